//: expect ok
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
//: answer aten::max f32[6] & i64[6]
//: log keep %2
//: log launch k [6](%2, %1)
/* /// kerf
version = 1
[[step]]
call = "aten.max.dim"
args = ["x", 1]
out = ["m", "_"]
[[step]]
launch = "k"
grid = ["m.shape[0]"]
args = ["m", "out"]
/// */
extern "C" void k();
