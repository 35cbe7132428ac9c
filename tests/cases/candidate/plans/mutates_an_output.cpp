//: expect 10:10 read_only it is an output
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu_(Tensor(a!) self) -> Tensor(a!)
//: answer aten::relu_ f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.relu_.default"
args = ["out"]
out = "_"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
