//: expect 10:9 operator name them in `out`
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: schema aten::relu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::relu f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.relu.out"
args = ["x"]
out = "out"
kwargs = { out = "out" }
/// */
