//: expect ok
//: input x f32[6, 8]{1, 6}
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", "x.stride[1] * 4"]
/// */
extern "C" void k();
