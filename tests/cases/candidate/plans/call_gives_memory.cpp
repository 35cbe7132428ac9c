//: expect 7:9 operator other memory
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.set_.source_Tensor"
args = ["x"]
out = "out"
/// */
