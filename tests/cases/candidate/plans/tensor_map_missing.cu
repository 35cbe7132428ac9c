//: expect 12:10 prototype argument 1 is const f32*: k takes tensor_map there
//: input x f32[6, 64]
//: output f32[6, 64]
//: prototype k tensor_map, f32*
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = ["x", "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
