//: expect 9:22 name unknown name `thread`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1]
args = ["x", "out", "thread + 1"]
/// */
extern "C" void k();
