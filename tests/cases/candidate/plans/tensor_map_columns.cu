//: expect 11:35 tensor_map last dimension must be contiguous
//: input x f32[6, 64]{1, 6}
//: output f32[6, 64]
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
