//: expect 10:3 name unknown name `lenght`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["""
  x.shape[0] +
  lenght"""]
args = ["x", "out"]
/// */
extern "C" void k();
