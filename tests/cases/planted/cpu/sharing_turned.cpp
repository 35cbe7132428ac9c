/* /// kerf
version = 1
[[step]]
launch = "sharing_turned"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A task turns a row into a column: neighbouring tasks write side by side.
extern "C" void sharing_turned(const float* x, float* out, int64_t rows, int64_t columns, int64_t row) {
  for (int64_t j = 0; j < columns; ++j) out[j * rows + row] = x[row * columns + j];
}
