//: expect 7:1 name the name of an input
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
x = [1, 2]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
