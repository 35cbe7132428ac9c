//: expect 9:1 name a loop counter needs another
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
B = [1]
[loops]
B = 3
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
