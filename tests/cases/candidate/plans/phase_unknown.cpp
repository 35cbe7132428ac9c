//: expect 10:10 key the only one is `prepare`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
phase = "setup"
/// */
extern "C" void k();
