//: expect 9:9 limit a quarter of the memory
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f64"
shape = ["2 ** 62"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "out"]
/// */
extern "C" void k();
