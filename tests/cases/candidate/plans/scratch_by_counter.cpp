//: expect 11:11 name is allocated once
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[loops]
t = 3
[[scratch]]
name = "s"
dtype = "f64"
shape = ["t + 1"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "out"]
/// */
extern "C" void k();
