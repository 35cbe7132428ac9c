//: expect 8:10 type an extent of the grid is 3.0
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0] / 2"]
args = ["x", "out"]
/// */
extern "C" void k();
