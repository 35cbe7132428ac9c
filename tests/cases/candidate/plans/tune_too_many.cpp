//: expect 6:2 tune more than 64 combinations
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tune]
A = [1,2,3,4,5,6,7,8,9]
B = [1,2,3,4,5,6,7,8]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
