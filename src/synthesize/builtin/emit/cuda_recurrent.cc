#include "synthesize/builtin/emit/recurrent.h"

#include <fmt/format.h>

namespace kerf {
namespace {

// A state's number and the step that it is of travel as one word: whoever finds the step has the number, so that
// waiting for a state and reading it are one access to L2, and no barrier joins the blocks. There are places for two
// steps. A block writes the state of step n + 1 over that of n - 1 after it has all states of n, whose writers had read
// those of n - 1 before.
constexpr const char* common = R"cuda(
  __device__ inline uint64_t look(const uint64_t* at) {
    uint64_t found;
    asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(found) : "l"(at) : "memory");
    return found;
  }
  __device__ inline void show(uint64_t* at, float state, int64_t step) {
    const uint64_t word = (uint64_t)(uint32_t)step << 32 | __float_as_uint(state);
    asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(at), "l"(word) : "memory");
  }
  // B sequences of T steps; sequences or steps come first in x, how far apart they are in what is written, how many
  // directions there are, and which layer this is.
  struct Lengths {
    int64_t B, T, batch_first, apart, steps_apart, directions, layer;
  };
  // A layer's steps, one after the other. Blocks with the same x have the units of the layer between them, others other
  // sequences (y) and directions (z). A warp has V units of up to 4 gates, its lanes every 32nd column of their rows, and
  // takes 8 / V sequences at a time: of 4 * V * 8 / V sums each lane gets one. step(row, unit, gates, h) gives a unit's
  // next h from what its gates come to; a GRU's third gate is without the input's share, which is the fourth.
  template <int G, int H, int V, class Step>
  __device__ inline void steps(const float* x, const float* matrix, const float* bias, const float* first, float* out,
                               float* last, Lengths l, uint64_t* states, Step step) {
    constexpr int C = 8 / V, K = (H + 31) / 32;
    extern __shared__ float memory[];  // twice the states of C sequences
    const int lane = threadIdx.x % 32, own = (blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32) * V;
    const int mine = lane % C, gate = lane / C % 4, unit = own + lane / (4 * C), direction = blockIdx.z;
    float w[V][G][K];
    #pragma unroll
    for (int u = 0; u < V; ++u)
      #pragma unroll
      for (int g = 0; g < G; ++g)
        #pragma unroll
        for (int k = 0; k < K; ++k)
          w[u][g][k] = own + u < H && 32 * k + lane < H ? matrix[(int64_t)(g * H + own + u) * H + 32 * k + lane] : 0.0f;
    const float base = gate < G && unit < H ? bias[gate * H + unit] : 0.0f;
    const bool is_share = G == 3 && gate == 2;
    const int asked = gate < G ? gate : 2;
    for (int i = threadIdx.x; i < 2 * C * 32 * K; i += blockDim.x) memory[i] = 0.0f;
    __syncthreads();
    const int64_t from = blockIdx.y * l.B / gridDim.y, to = (blockIdx.y + 1) * l.B / gridDim.y;
    const int64_t all = (l.layer * l.directions + direction) * l.B * H;
    for (int64_t n = 0, now = 0; n < l.T; ++n) {
      const int64_t t = direction ? l.T - 1 - n : n;
      uint64_t* before = states + (((n + 1) % 2 * l.directions + direction) * l.B) * H;
      uint64_t* next = states + ((n % 2 * l.directions + direction) * l.B) * H;
      for (int64_t b = from; b < to; b += C, now ^= 1) {
        const int count = to - b < C ? to - b : C;
        float* h = memory + now * C * 32 * K;
        const int64_t row = b + mine, place = l.batch_first ? row * l.T + t : t * l.B + row;
        const bool in = mine < count && unit < H;
        const float given = in && !is_share ? x[(place * G + asked) * H + unit] : 0.0f;
        step.prepare(in, row, unit, n);
        if (n == 0) {
          for (int i = threadIdx.x; i < count * H; i += blockDim.x) h[i / H * 32 * K + i % H] = first[all + b * H + i];
        } else {
          const int64_t wanted = l.layer * l.T + n;
          for (int i = threadIdx.x; i < count * H; i += 4 * blockDim.x) {
            uint64_t found[4];
            bool missing;
            do {
              missing = false;
              #pragma unroll
              for (int j = 0; j < 4; ++j)
                if (const int at = i + j * blockDim.x; at < count * H) {
                  found[j] = look(before + b * H + at);
                  missing |= found[j] >> 32 != wanted;
                }
            } while (missing);
            #pragma unroll
            for (int j = 0; j < 4; ++j)
              if (const int at = i + j * blockDim.x; at < count * H)
                h[at / H * 32 * K + at % H] = __uint_as_float((uint32_t)found[j]);
          }
        }
        __syncthreads();
        float sum[32];
        #pragma unroll
        for (int c = 0; c < C; ++c) {
          #pragma unroll
          for (int i = c; i < 32; i += C) sum[i] = 0.0f;
          if (c < count)
            #pragma unroll
            for (int k = 0; k < K; ++k) {
              const float state = h[c * 32 * K + 32 * k + lane];
              #pragma unroll
              for (int u = 0; u < V; ++u)
                #pragma unroll
                for (int g = 0; g < G; ++g) sum[(u * 4 + g) * C + c] += w[u][g][k] * state;
            }
        }
        #pragma unroll
        for (int level = 0; level < 5; ++level) {
          constexpr int most = 16;
          const int half = most >> level;
          #pragma unroll
          for (int i = 0; i < most; ++i)
            if (i < half) {
              const float kept = lane & half ? sum[i + half] : sum[i], given_away = lane & half ? sum[i] : sum[i + half];
              sum[i] = kept + __shfl_xor_sync(~0u, given_away, half);
            }
        }
        const float one = sum[0] + base + given;
        float gates[4];
        #pragma unroll
        for (int g = 0; g < 4; ++g) gates[g] = __shfl_sync(~0u, one, (lane & ~(3 * C)) | g * C);
        if (in && gate == 0) {
          const float state = step(gates, h[mine * 32 * K + unit]);
          out[row * l.apart + t * l.steps_apart + direction * H + unit] = state;
          if (n + 1 < l.T) {
            show(next + row * H + unit, state, l.layer * l.T + n + 1);
          } else {
            last[all + row * H + unit] = state;
          }
        }
      }
    }
  }
)cuda";

constexpr const char* lstm_kernel = R"cuda(
  struct LstmStep {
    const float* c0;
    float* cn;
    int64_t B;
    int H;
    int64_t layer;  // and direction
    float cell = 0.0f;
    float* place = nullptr;
    __device__ void prepare(bool in, int64_t row, int unit, int64_t n) {
      const int64_t at = (layer * B + row) * H + unit;
      place = cn + at;
      if (in) cell = n == 0 ? c0[at] : cn[at];
    }
    __device__ float operator()(const float (&gates)[4], float) {
      const float now = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * tanhf(gates[2]);
      *place = now;
      return sigmoid(gates[3]) * tanhf(now);
    }
  };
  template <int H, int V>
  __global__ __launch_bounds__(256) void lstm_layer(const float* x, const float* matrix, const float* bias,
                                                    const float* x1, const float* matrix1, const float* bias1,
                                                    const float* h0, const float* c0, float* out, float* hn, float* cn,
                                                    int64_t B, int64_t T, int64_t batch_first, int64_t apart,
                                                    int64_t steps_apart, int64_t directions, int64_t layer, int64_t* states) {
    const bool back = blockIdx.z == 1;
    steps<4, H, V>(back ? x1 : x, back ? matrix1 : matrix, back ? bias1 : bias, h0, out, hn,
                   Lengths{B, T, batch_first, apart, steps_apart, directions, layer}, (uint64_t*)states,
                   LstmStep{c0, cn, B, H, layer * directions + back});
  }
)cuda";

constexpr const char* gru_kernel = R"cuda(
  struct GruStep {
    __device__ void prepare(bool, int64_t, int, int64_t) {}
    __device__ float operator()(const float (&gates)[4], float h) const {
      const float fresh = tanhf(gates[3] + sigmoid(gates[0]) * gates[2]);
      return fresh + sigmoid(gates[1]) * (h - fresh);
    }
  };
  template <int H, int V>
  __global__ __launch_bounds__(256) void gru_layer(const float* x, const float* matrix, const float* bias,
                                                   const float* x1, const float* matrix1, const float* bias1,
                                                   const float* h0, float* out, float* hn, int64_t B, int64_t T,
                                                   int64_t batch_first, int64_t apart, int64_t steps_apart,
                                                   int64_t directions, int64_t layer, int64_t* states) {
    const bool back = blockIdx.z == 1;
    steps<3, H, V>(back ? x1 : x, back ? matrix1 : matrix, back ? bias1 : bias, h0, out, hn,
                   Lengths{B, T, batch_first, apart, steps_apart, directions, layer}, (uint64_t*)states, GruStep{});
  }
)cuda";

}  // namespace

std::string recurrent_kernels_in_cuda(bool lstm, bool gru) {
  return std::string(common) + (lstm ? lstm_kernel : "") + (gru ? gru_kernel : "");
}

}  // namespace kerf
