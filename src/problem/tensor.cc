#include "problem/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include <array>
#include <nlohmann/json.hpp>

#include "problem/json_fields.h"

namespace kerf {
namespace {

struct DtypeFacts {
  Dtype dtype;
  const char* name;
  std::size_t size;
  bool floating;
};
constexpr std::array dtypes{
    DtypeFacts{Dtype::f64, "f64", 8, true},   DtypeFacts{Dtype::f32, "f32", 4, true},
    DtypeFacts{Dtype::bf16, "bf16", 2, true}, DtypeFacts{Dtype::f16, "f16", 2, true},
    DtypeFacts{Dtype::i64, "i64", 8, false},  DtypeFacts{Dtype::i32, "i32", 4, false},
    DtypeFacts{Dtype::i16, "i16", 2, false},  DtypeFacts{Dtype::i8, "i8", 1, false},
    DtypeFacts{Dtype::u8, "u8", 1, false},    DtypeFacts{Dtype::boolean, "bool", 1, false},
};

const DtypeFacts& facts(Dtype dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }

}  // namespace

const char* to_string(Dtype dtype) { return facts(dtype).name; }

std::optional<Dtype> dtype_from(std::string_view name) {
  for (const auto& each : dtypes) {
    if (name == each.name) return each.dtype;
  }
  return std::nullopt;
}

std::size_t size_of(Dtype dtype) { return facts(dtype).size; }

bool is_floating(Dtype dtype) { return facts(dtype).floating; }

std::int64_t TensorSpec::numel() const {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

bool TensorSpec::contiguous() const {
  if (numel() == 0) return true;
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (stride[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::size_t TensorSpec::storage_bytes() const {
  if (numel() == 0) return 0;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) last += (shape[i] - 1) * stride[i];
  return static_cast<std::size_t>(last + 1) * size_of(dtype);
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> stride(shape.size());
  std::int64_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    stride[i] = step;
    step *= std::max<std::int64_t>(shape[i], 1);
  }
  return stride;
}

std::string to_string(const TensorSpec& spec) {
  std::string text = fmt::format("{}[{}]", to_string(spec.dtype), fmt::join(spec.shape, ", "));
  if (!spec.contiguous()) text += fmt::format(" strides [{}]", fmt::join(spec.stride, ", "));
  return text;
}

nlohmann::json to_json(const TensorSpec& spec) {
  return {{"dtype", to_string(spec.dtype)}, {"shape", spec.shape}, {"stride", spec.stride}};
}

Result<TensorSpec> tensor_from_json(const nlohmann::json& json) {
  TensorSpec spec;
  const auto name = TRY(text_field(json, "dtype"));
  const auto dtype = dtype_from(name);
  if (!dtype)
    return user_error(
        fmt::format("unknown dtype \"{}\": expected f64, f32, bf16, f16, i64, i32, i16, i8, u8 or bool", name));
  spec.dtype = *dtype;
  spec.shape = TRY(integers_field(json, "shape"));
  spec.stride = TRY(integers_field(json, "stride"));
  if (spec.shape.size() != spec.stride.size()) {
    return user_error(fmt::format("a tensor of {} dimensions has {} strides", spec.shape.size(), spec.stride.size()));
  }
  for (const auto extent : spec.shape) {
    if (extent < 0) return user_error(fmt::format("a tensor has the negative extent {}", extent));
  }
  for (const auto step : spec.stride) {
    if (step < 0) return user_error(fmt::format("a tensor has the negative stride {}", step));
  }
  std::int64_t count = 1, last = 0;
  for (std::size_t i = 0; i < spec.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (__builtin_mul_overflow(count, spec.shape[i], &count) || count > (std::int64_t{1} << 48) ||
        __builtin_mul_overflow(std::max<std::int64_t>(spec.shape[i] - 1, 0), spec.stride[i], &reach) ||
        __builtin_add_overflow(last, reach, &last) || last > (std::int64_t{1} << 48)) {
      return user_error("a tensor is larger than any memory");
    }
  }
  return spec;
}

}  // namespace kerf
