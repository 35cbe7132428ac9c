//: expect 9:11 scratch an extent of -2
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f64"
shape = ["x.shape[0] - 8"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "out"]
/// */
extern "C" void k();
