//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: init eps 1e-05
//: init flag true
//: log launch k [6, 3](%0, %1, 48:i64, 9.999999747378752e-06:f32, 1:bool, 5:i32, 0.1:f64, 2.5:f32, thread)
//: prototype k const f32*, f32*, i64, f32, bool, i32, f64, f32, i64, i64, i64
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", "numel(x)", "init.eps", "init.flag", "i32(5)", "f64(0.1)", 2.5, "thread"]
/// */
extern "C" void k();
