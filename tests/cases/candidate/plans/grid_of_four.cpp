//: expect 8:8 grid a grid of 4 dimensions
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1, 1, 1, 1]
args = ["x", "out"]
/// */
extern "C" void k();
