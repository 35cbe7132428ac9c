//: expect 7:9 name is no name
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "a-b"
dtype = "f32"
shape = [1]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
