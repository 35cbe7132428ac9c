// A bridge to a library of one operator, aten::relu on f32, for tests of what runs plans: no PyTorch. What it is asked
// to do is written down.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "runner/bridge/bridge.h"

struct KerfTensor {
  KerfSpec spec;
  float* data;
  std::vector<float> own;  // of results
  [[nodiscard]] std::int64_t numel() const {
    std::int64_t n = 1;
    for (int d = 0; d < spec.dims; ++d) n *= spec.shape[d];
    return n;
  }
};
struct KerfCall {
  std::int32_t input;
};

namespace kerf {

// One at a time: the bridge's functions know no context.
class FakeBridge {
 public:
  FakeBridge() { current() = this; }
  FakeBridge(const FakeBridge&) = delete;
  FakeBridge& operator=(const FakeBridge&) = delete;
  ~FakeBridge() { current() = nullptr; }

  std::vector<std::string> log;           // "call", "copy"
  bool rounds = true;                     // convolutions
  std::function<void()> on_copy = [] {};  // before it

  [[nodiscard]] const KerfBridge& table() const { return table_; }

 private:
  static FakeBridge*& current() {
    static FakeBridge* it = nullptr;
    return it;
  }
  static bool schemas(const char* op, void (*each)(void*, const char*), void* context) {
    if (std::string(op) == "aten::relu") each(context, "aten::relu(Tensor self) -> Tensor");
    return true;
  }
  static void parallel(int, std::int64_t tasks, std::int64_t, void (*body)(void*, std::int64_t, std::int64_t, int),
                       void* context) {
    body(context, 0, tasks, 0);
  }
  static KerfTensor* wrap(void* data, const KerfSpec* spec) {
    return new KerfTensor{.spec = *spec, .data = static_cast<float*>(data), .own = {}};
  }
  static bool view(const KerfTensor* tensor, KerfView* view) {
    *view = {.spec = tensor->spec, .data = tensor->data, .storage = tensor->data};
    return true;
  }
  static bool copy(const KerfTensor* to, const KerfTensor* from) {
    current()->on_copy();
    current()->log.emplace_back("copy");
    std::copy_n(from->data, from->numel(), to->data);
    return true;
  }
  static KerfCall* prepare(const char*, const char*, const KerfValue* args, std::int64_t) {
    return new KerfCall{.input = args[0].tensors[0]};
  }
  static std::int64_t call(KerfCall* call, KerfTensor* const* table, KerfTensor** results, std::int64_t) {
    current()->log.emplace_back("call");
    const KerfTensor& x = *table[call->input];
    auto* out = new KerfTensor{.spec = x.spec, .data = nullptr, .own = std::vector<float>(x.data, x.data + x.numel())};
    for (float& value : out->own) value = std::max(value, 0.0F);
    out->data = out->own.data();
    results[0] = out;
    return 1;
  }

  KerfBridge table_{.torch_version = [] { return "fake"; },
                    .error = [] { return "the fake bridge fails"; },
                    .start = [](int, void (*)(void*, int), void*) { return true; },
                    .parallel = parallel,
                    .schemas = schemas,
                    .use_gpu = [](int) { return true; },
                    .use_stream = [](void*) { return true; },
                    .round_convolutions = [](bool may) { current()->rounds = may; },
                    .trim = [] {},
                    .wrap = wrap,
                    .release = [](KerfTensor* tensor) { delete tensor; },
                    .view = view,
                    .copy = copy,
                    .prepare = prepare,
                    .call = call,
                    .drop = [](KerfCall* call) { delete call; }};
};

}  // namespace kerf
