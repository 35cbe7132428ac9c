//: expect 6:1 key without `launch` or `call`
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
args = ["x"]
/// */
extern "C" void k();
