/* /// kerf
version = 1
[[scratch]]
name = "partial"
dtype = "f64"
shape = ["x.shape[1]", "threads"]
zero = true
[[step]]
launch = "sharing_partial"
grid = ["x.shape[0]"]
args = ["x", "partial", "x.shape[1]", "threads", "thread"]
[[step]]
launch = "fold"
grid = [1]
args = ["partial", "out", "x.shape[1]", "threads"]
/// */
// A partial sum of each column for each thread, the threads' side by side.
extern "C" void sharing_partial(const float* x, double* partial, int64_t n, int64_t threads, int64_t thread, int64_t row) {
  for (int64_t j = 0; j < n; ++j) partial[j * threads + thread] += (double)x[row * n + j];
}
extern "C" void fold(const double* partial, float* out, int64_t n, int64_t threads, int64_t) {
  for (int64_t j = 0; j < n; ++j) {
    double sum = 0;
    for (int64_t t = 0; t < threads; ++t) sum += partial[j * threads + t];
    out[j] = (float)sum;
  }
}
