//: expect 12:9 prototype argument 1 is tensor_map: k takes const f32* there
//: input x f32[6, 64]
//: output f32[6, 64]
//: prototype k const f32*, f32*
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
