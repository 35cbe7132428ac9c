//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor
//: schema aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
//: schema aten::sum.IntList_out(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor(a!) out) -> Tensor(a!)
//: answer aten::sum f32[6, 8]
//: log call aten::sum.dim_IntList(%0, [1], true, f64)
//: log write %1 by aten::sum.IntList_out
/* /// kerf
version = 1
[[step]]
call = "aten.sum.dim_IntList"
args = ["x", "x.ndim - 1"]
out = "out"
kwargs = { dtype = "f64", keepdim = true }
/// */
