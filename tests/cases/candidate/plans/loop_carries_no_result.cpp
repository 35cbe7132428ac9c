//: expect 18:10 name which runs later in this round
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
/* /// kerf
version = 1
[loops]
t = 2
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "z"
for = "t"
[[step]]
call = "aten.relu.default"
args = ["y"]
out = "out"
for = "t"
[[step]]
call = "aten.relu.default"
args = ["z"]
out = "y"
for = "t"
/// */
extern "C" void k();
