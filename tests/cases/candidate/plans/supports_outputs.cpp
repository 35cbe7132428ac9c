//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: init dim 1
/* /// kerf
version = 1
supports = "out.ndim == 2 and init.dim == 1"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
