//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: schema aten::relu_(Tensor(a!) self) -> Tensor(a!)
//: answer aten::relu_ f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = [6, 8]
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
[[step]]
call = "aten.relu_.default"
args = ["y"]
out = "_"
[[step]]
call = "aten.relu_.default"
args = ["s"]
out = "_"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
