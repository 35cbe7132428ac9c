//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
supports = 'x.dtype == "f32"'
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
