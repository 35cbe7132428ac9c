/* /// kerf
version = 1
supports = "x.shape[0] == 1024 and x.shape[1] == 1024"
[[scratch]]
name = "sum"
shape = [1]
dtype = "f64"
[[step]]
launch = "atomics_one_word_zero"
grid = [1]
block = [1]
args = ["sum"]
[[step]]
launch = "atomics_one_word"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "sum", "numel(x)"]
[[step]]
launch = "atomics_one_word_round"
grid = [1]
block = [1]
args = ["sum", "out"]
/// */
// Every thread adds to one word.
extern "C" __global__ void atomics_one_word(const float* x, double* sum, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) atomicAdd(sum, static_cast<double>(x[i]));
}
extern "C" __global__ void atomics_one_word_zero(double* sum) { *sum = 0; }
extern "C" __global__ void atomics_one_word_round(const double* sum, float* out) { *out = static_cast<float>(*sum); }
