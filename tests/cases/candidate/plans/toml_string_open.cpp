//: expect 7:12 syntax not TOML
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k
grid = [1]
/// */
extern "C" void k();
