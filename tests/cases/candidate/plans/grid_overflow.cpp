//: expect 8:13 grid 2^63
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [8, "2 ** 62 * 1"]
args = ["x", "out"]
/// */
extern "C" void k();
