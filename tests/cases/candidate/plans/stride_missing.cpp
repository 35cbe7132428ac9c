//: expect 9:10 stride not contiguous
//: input x f32[6, 8]{1, 6}
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out"]
/// */
extern "C" void k();
