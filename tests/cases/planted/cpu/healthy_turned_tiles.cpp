/* /// kerf
version = 1
supports = "x.shape[0] % 16 == 0 and x.shape[1] % 32 == 0"
[[step]]
launch = "healthy_turned_tiles"
grid = ["x.shape[1] // 32"]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A task writes 32 whole rows of the result.
extern "C" void healthy_turned_tiles(const float* x, float* out, int64_t rows, int64_t columns, int64_t task) {
  for (int64_t i = 0; i < rows; i += 16)
    for (int64_t j = task * 32; j < (task + 1) * 32; ++j)
      for (int64_t k = 0; k < 16; ++k) out[j * rows + i + k] = x[(i + k) * columns + j];
}
