//: expect ok
//: input x f32[6, 64]{72, 1}
//: output f32[6, 64]
//: prototype k tensor_map, f32*
//: log launch k [1](map of %0 in [4, 32], %1)
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = [{ tensor_map = "x", box = [4, 32] }, "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
