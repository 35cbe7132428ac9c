//: expect 7:12 tune has the value 4 twice
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
A = [4, 8, 4]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
