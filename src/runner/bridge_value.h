// Values and tensors on their way through the bridge to PyTorch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "candidate/bind.h"
#include "candidate/schema.h"
#include "runner/bridge/bridge.h"

namespace kerf {

struct ReleaseTensor {
  const KerfBridge* bridge;
  void operator()(KerfTensor* tensor) const { bridge->release(tensor); }
};
struct DropCall {
  const KerfBridge* bridge;
  void operator()(KerfCall* call) const { bridge->drop(call); }
};
using OwnedTensor = std::unique_ptr<KerfTensor, ReleaseTensor>;
using OwnedCall = std::unique_ptr<KerfCall, DropCall>;

[[nodiscard]] KerfSpec to_bridge(const TensorSpec& spec);
[[nodiscard]] TensorSpec from_bridge(const KerfSpec& spec);
[[nodiscard]] bool equal(const TensorSpec& a, const KerfSpec& b);

// The memory behind a CallValue, which must outlive it, in the form of the bridge.
class BridgeValue {
 public:
  explicit BridgeValue(const CallValue& value);
  BridgeValue(BridgeValue&&) = default;
  [[nodiscard]] const KerfValue& get() const { return out_; }

 private:
  std::vector<std::int32_t> dtypes_;
  KerfValue out_{};
};

// The operator of a call with its arguments; with `out` its out overload, to which the tensors to write are added. Null
// with the reason in bridge.error().
[[nodiscard]] OwnedCall prepare_call(const KerfBridge& bridge, const BoundCall& call, bool out);

}  // namespace kerf
