//: expect 9:8 syntax not TOML
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = [1]
grid = [2]
/// */
extern "C" void k();
