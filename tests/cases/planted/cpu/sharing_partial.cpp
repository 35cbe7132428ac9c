/* /// kerf
version = 1
[[scratch]]
name = "partial"
dtype = "f32"
shape = ["x.shape[1]", "threads"]
zero = true
[[step]]
launch = "sharing_partial"
grid = ["x.shape[0]"]
args = ["x", "partial", "x.shape[1]", "threads", "thread"]
[[step]]
call = "aten.sum.dim_IntList"
args = ["partial", [1]]
out = "out"
/// */
// A partial sum of each column for each thread, the threads' side by side.
extern "C" void sharing_partial(const float* x, float* partial, int64_t n, int64_t threads, int64_t thread, int64_t row) {
  for (int64_t j = 0; j < n; ++j) partial[j * threads + thread] += x[row * n + j];
}
