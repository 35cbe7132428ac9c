//: expect 4:4 output no step writes `out`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1]
args = ["x"]
/// */
extern "C" void k();
