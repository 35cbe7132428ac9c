//: expect 11:8 output the result is f64[6, 8]
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::sum(Tensor self) -> Tensor
//: answer aten::sum f64[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.sum.default"
args = ["x"]
out = "out"
/// */
