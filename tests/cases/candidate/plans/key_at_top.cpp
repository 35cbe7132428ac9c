//: expect 6:2 key unknown key `tunes` in a plan: did you mean `tune`?
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[tunes]
B=[1]
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
