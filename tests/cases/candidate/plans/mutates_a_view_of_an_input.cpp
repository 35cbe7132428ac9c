//: expect 16:10 read_only shares memory with a read-only tensor
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::t f32[8, 6]{1, 8} of 0
//: schema aten::relu_(Tensor(a!) self) -> Tensor(a!)
//: answer aten::relu_ f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.t.default"
args = ["x"]
out = "xt"
[[step]]
call = "aten.relu_.default"
args = ["xt"]
out = "_"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
