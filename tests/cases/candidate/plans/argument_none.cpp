//: expect 10:22 type none
//: input x f32[6, 8]
//: output f32[6, 8]
//: init stride null
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out", "init.stride"]
/// */
extern "C" void k();
