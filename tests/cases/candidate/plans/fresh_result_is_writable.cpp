//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: prototype k f32*, f32*, i64
/* /// kerf
version = 1
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
[[step]]
launch = "k"
grid = [2]
args = ["y", "out"]
/// */
extern "C" void k();
