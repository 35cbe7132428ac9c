//: expect 9:23 prototype takes i32 for index 1
//: input x f32[6, 8]
//: output f32[6, 8]
//: prototype k const f32*, f32*, i64, i32
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out"]
/// */
extern "C" void k();
