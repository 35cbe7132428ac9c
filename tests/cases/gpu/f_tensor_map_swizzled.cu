// expect measured: a swizzled tile, read where its units of 16 bytes lie
/* /// kerf
version = 1
supports = "x.shape[1] % 4 == 0 and x.stride[-1] == 1"
[[step]]
launch = "relu"
grid = ["cdiv(x.shape[1], 32)", "cdiv(x.shape[0], 32)"]
block = [256]
shared = 4096
args = [{ tensor_map = "x", box = [32, 32], swizzle = 128 }, "out", "x.shape[0]", "x.shape[1]"]
/// */
extern "C" __global__ void relu(const __grid_constant__ CUtensorMap x, float* out, int64_t rows, int64_t columns) {
  extern __shared__ __align__(1024) float tile[];
  __shared__ alignas(8) uint64_t barrier;
  const unsigned in_tile = (unsigned)__cvta_generic_to_shared(tile);
  const unsigned arrived = (unsigned)__cvta_generic_to_shared(&barrier);
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(arrived) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(arrived), "r"(4096) : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
            in_tile),
        "l"(&x), "r"((int)blockIdx.x * 32), "r"((int)blockIdx.y * 32), "r"(arrived)
        : "memory");
  }
  __syncthreads();
  int done = 0;
  while (!done) {
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
                 : "=r"(done)
                 : "r"(arrived), "r"(0)
                 : "memory");
  }
  for (int i = threadIdx.x; i < 1024; i += 256) {
    const int row = i / 32, column = i % 32;
    const int64_t r = (int64_t)blockIdx.y * 32 + row, c = (int64_t)blockIdx.x * 32 + column;
    // Unit u of row r lies at u ^ r % 8, counted from where 1024 bytes begin.
    const unsigned at = in_tile + row * 128 + (((column / 4) ^ (in_tile / 128 + row) % 8) * 16) + column % 4 * 4;
    if (r < rows && c < columns) out[r * columns + c] = fmaxf(*(const float*)__cvta_shared_to_generic(at), 0.f);
  }
}
