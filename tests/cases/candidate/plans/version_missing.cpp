//: expect 4:4 version expected `version = 1`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
