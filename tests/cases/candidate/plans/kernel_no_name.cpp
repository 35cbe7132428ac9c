//: expect 7:11 kernel is no name of a kernel
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k<4>"
grid = [1]
args = ["x", "out"]
/// */
extern "C" void k();
