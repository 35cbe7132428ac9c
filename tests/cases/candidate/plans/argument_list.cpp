//: expect 9:22 type a list
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", "x.shape"]
/// */
extern "C" void k();
