//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: input i i64[3]
//: schema aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor
//: answer aten::index f32[6, 8]
//: log call aten::index.Tensor(%0, [none, %1])
/* /// kerf
version = 1
[[step]]
call = "aten.index.Tensor"
args = ["x", ["none", "i"]]
out = "out"
/// */
