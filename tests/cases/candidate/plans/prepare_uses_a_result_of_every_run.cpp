//: expect 22:10 prepare a step that is run every time
//: input x f32[6, 8]
//: parameter w f32[8, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f32"
shape = ["w.shape[0]"]
[[step]]
call = "aten.relu.default"
args = ["w"]
out = "y"
[[step]]
phase = "prepare"
launch = "pack"
grid = [1]
args = ["y", "s"]
[[step]]
launch = "k"
grid = [1]
args = ["s", "out"]
/// */
extern "C" void k();
extern "C" void pack();
