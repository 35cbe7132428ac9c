//: expect 7:6 loop has -1 rounds
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[loops]
t = "0 - 1"
[[step]]
for = "t"
launch = "k"
grid = [1]
args = ["x", "out"]
/// */
extern "C" void k();
