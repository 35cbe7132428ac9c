//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: log allocate s f64[2, 6]
//: log launch k [6, 3](%0, %2, %1)
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f64"
shape = ["threads", "x.shape[0]"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "out"]
/// */
extern "C" void k();
