/* /// kerf
version = 1
supports = "x.shape[0] == 1024 and x.shape[1] == 1024"
[[step]]
launch = "atomics_one_word_zero"
grid = [1]
block = [1]
args = ["out"]
[[step]]
launch = "atomics_one_word"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
// Every thread adds to one word.
extern "C" __global__ void atomics_one_word(const float* x, float* out, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) atomicAdd(out, x[i] + 0 * threadIdx.x);
}
extern "C" __global__ void atomics_one_word_zero(float* out) { *out = 0; }
