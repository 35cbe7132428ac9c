//: expect 6:1 key both `launch` and `call`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
call = "aten.relu.default"
out = "out"
/// */
extern "C" void k();
