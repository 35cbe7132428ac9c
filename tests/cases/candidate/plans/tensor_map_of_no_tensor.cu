//: expect 11:25 name unknown name `y`
//: input x f32[6, 64]
//: output f32[6, 64]
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = [{ tensor_map = "y", box = [4, 32] }, "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
