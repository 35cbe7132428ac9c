//: expect 10:8 name a parameter or buffer
//: input x f32[6, 8]
//: output f32[6, 8]
//: parameter w f32[8]
/* /// kerf
version = 1
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "w"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
