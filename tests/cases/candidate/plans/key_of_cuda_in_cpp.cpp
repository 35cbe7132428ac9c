//: expect 10:1 key unknown key `block` in a launch (cpp)
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
block = [256]
/// */
extern "C" void k();
