//: expect 19:15 prepare is written at line
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
[[step]]
launch = "k"
grid = [1]
args = ["w", "s", "out"]
[[step]]
phase = "prepare"
launch = "pack"
grid = [1]
args = ["w", "s"]
[[step]]
launch = "k"
grid = [1]
args = ["s", "out"]
/// */
extern "C" void k();
extern "C" void pack();
