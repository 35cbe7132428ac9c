//: expect 15:10 name unknown name `lenght`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[loops]
t = 0
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
[[step]]
for = "t"
launch = "k"
grid = ["lenght"]
args = ["x", "out"]
/// */
extern "C" void k();
