//: expect 8:11 prototype returns something
//: input x f32[6, 8]
//: output f32[6, 8]
//: prototype k ? result, const f32*, f32*, i64, i64
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out"]
/// */
extern "C" void k();
