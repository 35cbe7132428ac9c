//: expect 9:21 key a date or time
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1]
args = ["x", "out", 1979-05-27]
/// */
extern "C" void k();
