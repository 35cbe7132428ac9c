//: expect 8:10 type expected a bool
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
A = [1, 2]
where = "A + 1"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
