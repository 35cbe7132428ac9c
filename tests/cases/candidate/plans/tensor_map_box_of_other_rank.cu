//: expect 11:35 tensor_map the box has 1 extents
//: input x f32[6, 64]
//: output f32[6, 64]
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = [{ tensor_map = "x", box = [64] }, "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
