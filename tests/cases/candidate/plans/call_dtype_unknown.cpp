//: expect 14:21 schema `float`, expected f64
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor
//: schema aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
//: schema aten::sum.IntList_out(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor(a!) out) -> Tensor(a!)
//: answer aten::sum f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.sum.dim_IntList"
args = ["x", 1]
out = "out"
kwargs = { dtype = "float" }
/// */
