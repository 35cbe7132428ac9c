//: expect 11:7 output gives 2 results: expected as many names in out, found 1
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
//: answer aten::max f32[6] & i64[6]
/* /// kerf
version = 1
[[step]]
call = "aten.max.dim"
args = ["x", 1]
out = "m"
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
/// */
extern "C" void k();
