// Shapes, dtypes and strides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf {

enum class Dtype : std::uint8_t { f64, f32, bf16, f16, i64, i32, i16, i8, u8, boolean };

[[nodiscard]] const char* to_string(Dtype dtype);  // "f32", …, "bool"
[[nodiscard]] std::optional<Dtype> dtype_from(std::string_view name);
[[nodiscard]] std::size_t size_of(Dtype dtype);
[[nodiscard]] bool is_floating(Dtype dtype);

// Strides count elements, as PyTorch does; they may be 0 (expanded).
struct TensorSpec {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> stride;

  [[nodiscard]] std::int64_t numel() const;
  [[nodiscard]] bool contiguous() const;  // dimensions of size 1 and empty tensors as PyTorch sees them
  // Bytes from the first element to behind the last: what must be allocated.
  [[nodiscard]] std::size_t storage_bytes() const;
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

[[nodiscard]] std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape);
[[nodiscard]] std::string to_string(const TensorSpec& spec);   // "f32[16, 1024]", strides only if not contiguous
[[nodiscard]] nlohmann::json to_json(const TensorSpec& spec);  // {"dtype","shape","stride"}
[[nodiscard]] Result<TensorSpec> tensor_from_json(const nlohmann::json& json);

}  // namespace kerf
