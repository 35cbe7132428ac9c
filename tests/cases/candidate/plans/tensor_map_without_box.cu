//: expect 11:9 tensor_map a table with a tensor and the box
//: input x f32[6, 64]
//: output f32[6, 64]
/* /// kerf
version = 1
[tune]
ROWS = [4]
[[step]]
launch = "k"
grid = [1]
args = [{ tensor_map = "x" }, "out"]
block = [32]
/// */
extern "C" __global__ void k(const __grid_constant__ CUtensorMap x, float* out) {}
