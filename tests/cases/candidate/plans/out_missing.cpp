//: expect 6:1 key without `out`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
call = "aten.relu.default"
args = ["x"]
/// */
extern "C" void k();
