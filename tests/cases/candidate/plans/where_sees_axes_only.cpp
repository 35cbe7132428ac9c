//: expect 8:14 name unknown name `x.ndim`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
A = [1, 2]
where = "A > x.ndim"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
