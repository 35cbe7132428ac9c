//: expect 7:8 syntax only in strings and comments
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
# ü is fine here
[tune] é = 3
[[step]]
launch = "k"
grid = [1]
args = ["x", "out"]
/// */
extern "C" void k();
