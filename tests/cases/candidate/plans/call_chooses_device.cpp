//: expect 11:22 schema which a plan cannot choose
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::zeros_like(Tensor self, *, Device? device=None) -> Tensor
/* /// kerf
version = 1
[[step]]
call = "aten.zeros_like.default"
args = ["x"]
out = "out"
kwargs = { device = "cuda" }
/// */
