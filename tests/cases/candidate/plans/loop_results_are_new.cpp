//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
//: log keep %2
//: log launch k [1](%2, %1)
//: log keep %3
//: log launch k [1](%3, %1)
/* /// kerf
version = 1
[loops]
t = 2
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
for = "t"
[[step]]
for = "t"
launch = "k"
grid = [1]
args = ["y", "out"]
/// */
extern "C" void k();
