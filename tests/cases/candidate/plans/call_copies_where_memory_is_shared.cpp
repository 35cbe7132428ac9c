//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: log write %2 by aten::relu.out
//: log call aten::relu(%2)
//: log write %2
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = [6, 8]
[[step]]
call = "aten.relu"
args = ["x"]
out = "s"
[[step]]
call = "aten.relu"
args = ["s"]
out = "s"
[[step]]
call = "aten.relu"
args = ["s"]
out = "out"
/// */
