//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out"]
/// */
#define K(n) extern "C" void n##_() {}
