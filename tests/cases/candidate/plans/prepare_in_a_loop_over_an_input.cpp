//: expect 18:8 prepare the count of the loop
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[loops]
t = "x.shape[0]"
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
[[step]]
phase = "prepare"
launch = "pack"
grid = [1]
args = ["w", "s"]
for = "t"
[[step]]
launch = "k"
grid = [1]
args = ["s", "out"]
/// */
extern "C" void k();
extern "C" void pack();
