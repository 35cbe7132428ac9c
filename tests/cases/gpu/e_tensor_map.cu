// expect measured: tiles come and go by tensor maps, whose edges are the hardware's affair
/* /// kerf
version = 1
supports = "x.shape[1] % 4 == 0 and x.stride[-1] == 1"
[[step]]
launch = "relu"
grid = ["cdiv(x.shape[1], 64)", "cdiv(x.shape[0], 24)"]
block = [128]
args = [{ tensor_map = "x", box = [24, 64] }, { tensor_map = "out", box = [24, 64] }]
/// */
extern "C" __global__ void relu(const __grid_constant__ CUtensorMap x, const __grid_constant__ CUtensorMap out) {
  __shared__ alignas(128) float tile[24 * 64];
  __shared__ alignas(8) uint64_t barrier;
  const unsigned in_tile = (unsigned)__cvta_generic_to_shared(tile);
  const unsigned arrived = (unsigned)__cvta_generic_to_shared(&barrier);
  const int column = (int)blockIdx.x * 64, row = (int)blockIdx.y * 24;
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(arrived) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(arrived), "r"(24 * 64 * 4) : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(in_tile),
        "l"(&x), "r"(column), "r"(row), "r"(arrived)
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
  for (int i = threadIdx.x; i < 24 * 64; i += 128) tile[i] = fmaxf(tile[i], 0.f);
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&out), "r"(column),
                 "r"(row), "r"(in_tile)
                 : "memory");
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
  }
}
