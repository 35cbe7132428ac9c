//: expect 9:9 scratch depends on what no step before its use gives
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "r"
dtype = "f32"
shape = ["s.shape[0]"]
[[scratch]]
name = "s"
dtype = "f64"
shape = ["r.shape[0]"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "out"]
/// */
extern "C" void k();
