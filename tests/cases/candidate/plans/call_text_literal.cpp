//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::gelu(Tensor self, *, str approximate="none") -> Tensor
//: answer aten::gelu f32[6, 8]
//: log call aten::gelu(%0, "tanh")
/* /// kerf
version = 1
[[step]]
call = "aten.gelu.default"
args = ["x"]
out = "out"
kwargs = { approximate = "tanh" }
/// */
