//: expect ok
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
//: prototype pack const f32*, f32*, i64
//: prototype k const f32*, f32*, i64
//: log prepare launch pack [1](%1, %3)
//: log launch k [1](%3, %2)
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
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
