//: expect 9:21 type does not fit f32
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", 1e300]
/// */
extern "C" void k();
