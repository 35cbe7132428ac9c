//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: log call aten::relu(%0)
//: log write %1 by aten::relu.out
/* /// kerf
version = 1
[[step]]
call = "aten.relu"
args = ["x"]
out = "out"
/// */
