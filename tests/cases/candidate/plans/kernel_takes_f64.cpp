//: expect 10:21 prototype f64(…) in the plan
//: input x f32[6, 8]
//: output f32[6, 8]
//: prototype k const f32*, f32*, f64, i64, i64
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", 0.5]
/// */
extern "C" void k();
