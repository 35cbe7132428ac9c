// expect rejected tensor_map: a box of 8 bytes is narrower than the hardware copies
/* /// kerf
version = 1
supports = "x.shape[1] % 4 == 0 and x.stride[-1] == 1"
[[step]]
launch = "relu"
grid = ["cdiv(x.shape[1], 2)", "x.shape[0]"]
block = [32]
args = [{ tensor_map = "x", box = [1, 2] }, "out"]
/// */
extern "C" __global__ void relu(const __grid_constant__ CUtensorMap x, float* out) {}
