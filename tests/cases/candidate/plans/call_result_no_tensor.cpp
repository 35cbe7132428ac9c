//: expect 11:8 output is no tensor
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::item(Tensor self) -> Scalar
//: answer aten::item nothing
/* /// kerf
version = 1
[[step]]
call = "aten.item.default"
args = ["x"]
out = "m"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
