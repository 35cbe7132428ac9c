//: expect 11:29 schema expected one of contiguous_format
//: input x f32[6, 8]
//: output f32[6, 8]
//: schema aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor
/* /// kerf
version = 1
[[step]]
call = "aten.clone.default"
args = ["x"]
out = "out"
kwargs = { memory_format = "nchw" }
/// */
