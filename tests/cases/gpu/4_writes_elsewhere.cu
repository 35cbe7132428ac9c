// expect wrong unwritten or crashed out_of_bounds: stores far behind the output, where memory is or is not
/* /// kerf
version = 1
supports = "numel(x) % 4 == 0 and x.stride[-1] == 1"
[tune]
UNROLL = [4]
[[step]]
launch = "relu"
grid = ["cdiv(numel(x) // 4, 256 * UNROLL)"]
block = [256]
args = ["x", "out", "numel(x) // 4"]
/// */
extern "C" __global__ void relu(const float* x, float* out, int64_t n) {
  const float4* in = (const float4*)x;
  float4* o = (float4*)out;
  const int64_t base = (int64_t)blockIdx.x * (256 * UNROLL) + threadIdx.x;
  float4 v[UNROLL];
#pragma unroll
  for (int u = 0; u < UNROLL; ++u)
    if (base + u * 256 < n) v[u] = in[base + u * 256];
#pragma unroll
  for (int u = 0; u < UNROLL; ++u)
    o[4 * n + base + u * 256] = make_float4(fmaxf(v[u].x, 0.f), fmaxf(v[u].y, 0.f), fmaxf(v[u].z, 0.f), fmaxf(v[u].w, 0.f));
}
