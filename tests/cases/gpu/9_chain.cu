// expect measured: a launch and an operator in turns, over scratch and a result that lives for two steps
/* /// kerf
version = 1
supports = "x.stride[-1] == 1"
[[scratch]]
name = "half"
dtype = "f32"
shape = ["x.shape[0]", "x.shape[1]"]
[[step]]
launch = "scale"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "half", "0.5", "numel(x)"]
[[step]]
call = "aten.relu.default"
args = ["half"]
out = "positive"
[[step]]
launch = "scale"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["positive", "out", "2.0", "numel(x)"]
/// */
extern "C" __global__ void scale(const float* x, float* out, float by, int64_t n) {
  const int64_t i = (int64_t)blockIdx.x * 256 + threadIdx.x;
  if (i < n) out[i] = x[i] * by;
}
