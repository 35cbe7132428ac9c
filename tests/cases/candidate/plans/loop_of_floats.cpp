//: expect 7:5 key an integer or an expression
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[loops]
t = 1.5
[[step]]
for = "t"
launch = "k"
grid = [1]
args = ["x", "out"]
/// */
extern "C" void k();
