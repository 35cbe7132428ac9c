//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: log allocate s f64[6]
//: log allocate r f32[12] zero
/* /// kerf
version = 1
[[scratch]]
name = "r"
dtype = "f32"
shape = ["2 * s.shape[0]"]
zero = true
[[scratch]]
name = "s"
dtype = "f64"
shape = ["x.shape[0]"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "r", "out"]
/// */
extern "C" void k();
