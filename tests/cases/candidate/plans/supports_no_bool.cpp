//: expect 6:13 type expected a bool
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
supports = "x.ndim"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
