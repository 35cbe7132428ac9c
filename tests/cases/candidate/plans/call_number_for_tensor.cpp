//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
//: answer aten::add f32[6, 8]
//: log call aten::add.Tensor(%0, 2, 1)
/* /// kerf
version = 1
[[step]]
call = "aten.add.Tensor"
args = ["x", "x.ndim"]
out = "out"
/// */
