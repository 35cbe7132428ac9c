//: expect 6:1 key a launch without `grid`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
args = ["x", "out"]
/// */
extern "C" void k();
