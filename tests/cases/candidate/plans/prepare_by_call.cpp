//: expect ok
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: log prepare call aten::relu(%1)
//: log keep %3
//: log launch k [1](%3, %2)
//: prototype k const f32*, f32*, i64
/* /// kerf
version = 1
[[step]]
call = "aten.relu.default"
args = ["w"]
out = "y"
phase = "prepare"
[[step]]
launch = "k"
grid = [1]
args = ["y", "out"]
/// */
extern "C" void k();
extern "C" void pack();
