//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: log call aten::relu(%0)
/* /// kerf
version = 1
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
[[scratch]]
name = "s"
dtype = "f32"
shape = ["y.shape[0]"]
[[step]]
launch = "k"
grid = ["y.shape[0] - 100"]
args = ["y", "s", "out"]
/// */
extern "C" void k();
