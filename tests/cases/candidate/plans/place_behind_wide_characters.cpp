//: expect 8:36 name unknown name `lenght`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ['1 if x.dtype == "ü€" else lenght']
args = ["x", "out"]
/// */
extern "C" void k();
