//: expect 11:44 key `swirl` in a tensor map
//: input x f32[6, 64]
//: output f32[6, 64]
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = [{ tensor_map = "x", box = [4, 32], swirl = 16 }, "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
