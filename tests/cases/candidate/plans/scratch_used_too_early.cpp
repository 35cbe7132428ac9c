//: expect 15:15 name has no shape yet
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: answer aten::relu f32[6, 8]
/* /// kerf
version = 1
[[scratch]]
name = "s"
dtype = "f64"
shape = ["y.shape[0]"]
[[step]]
launch = "k"
grid = ["x.shape[0]", 3]
args = ["x", "s", "out"]
[[step]]
call = "aten.relu.default"
args = ["x"]
out = "y"
/// */
extern "C" void k();
