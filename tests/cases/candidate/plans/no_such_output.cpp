//: expect 13:8 name there is no output `out1`: expected `out`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "out1"
/// */
extern "C" void k();
