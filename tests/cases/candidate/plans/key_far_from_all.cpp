//: expect 10:1 key expected one of launch, grid, args, for, phase
//: input x f32[6, 8]
//: output f32[6, 8]
/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out"]
sharedmemory = 4
/// */
extern "C" void k();
