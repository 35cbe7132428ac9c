//: expect 8:10 type unknown dtype `float`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "float"
shape = [1]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
