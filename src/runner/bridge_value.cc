#include "runner/bridge_value.h"

namespace kerf {

KerfSpec to_bridge(const TensorSpec& spec) {
  KerfSpec out{};
  out.dtype = static_cast<std::int32_t>(spec.dtype);
  out.dims = static_cast<std::int32_t>(spec.shape.size());
  std::ranges::copy(spec.shape, out.shape);
  std::ranges::copy(spec.stride, out.stride);
  return out;
}

TensorSpec from_bridge(const KerfSpec& spec) {
  return {.dtype = static_cast<Dtype>(spec.dtype),
          .shape = {spec.shape, spec.shape + spec.dims},
          .stride = {spec.stride, spec.stride + spec.dims}};
}

bool equal(const TensorSpec& a, const KerfSpec& b) {
  return static_cast<std::int32_t>(a.dtype) == b.dtype &&
         std::ranges::equal(a.shape, std::span(b.shape, b.shape + b.dims)) &&
         std::ranges::equal(a.stride, std::span(b.stride, b.stride + b.dims));
}

BridgeValue::BridgeValue(const CallValue& value) {
  out_.kind = static_cast<std::int32_t>(value.kind);
  out_.text = value.text.c_str();
  out_.integers = value.integers.data();
  out_.numbers = value.numbers.data();
  out_.tensors = value.tensors.data();
  for (const Dtype dtype : value.dtypes) dtypes_.push_back(static_cast<std::int32_t>(dtype));
  out_.dtypes = dtypes_.data();
  using enum CallValue::Kind;
  switch (value.kind) {
    case tensor:
    case tensors:
      out_.count = std::ssize(value.tensors);
      break;
    case integers:
    case booleans:
      out_.count = std::ssize(value.integers);
      break;
    case numbers:
      out_.count = std::ssize(value.numbers);
      break;
    case dtypes:
      out_.count = std::ssize(dtypes_);
      break;
    default:
      out_.count = 1;
  }
}
static_assert(static_cast<int>(CallValue::Kind::memory_format) == kerf_memory_format);
static_assert(static_cast<int>(CallValue::Kind::integers) == kerf_integers);
static_assert(static_cast<int>(CallValue::Kind::dtype) == kerf_dtype);
static_assert(static_cast<int>(Dtype::boolean) == kerf_bool && static_cast<int>(Dtype::i64) == kerf_i64);

OwnedCall prepare_call(const KerfBridge& bridge, const BoundCall& call, bool out) {
  std::vector<CallValue> values = call.args;
  if (out)
    for (const BoundOut& o : call.outs) values.push_back({.kind = CallValue::Kind::tensor, .tensors = {o.tensor}});
  std::vector<BridgeValue> kept;
  kept.reserve(values.size());
  for (const CallValue& value : values) kept.emplace_back(value);
  std::vector<KerfValue> args;
  for (const BridgeValue& value : kept) args.push_back(value.get());
  const std::string& overload = out ? *call.out_overload : call.overload;
  return {bridge.prepare(call.op.c_str(), overload.c_str(), args.data(), std::ssize(args)), DropCall{&bridge}};
}

}  // namespace kerf
