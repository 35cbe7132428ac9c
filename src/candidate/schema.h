// Operator schemas as PyTorch prints them, and the values that a call's arguments resolve to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "problem/tensor.h"
#include "problem/value.h"

namespace kerf {

// A tensor of a bound plan: index into Program::tensors. no_tensor stands for None.
using TensorId = std::int32_t;
inline constexpr TensorId no_tensor = -1;

// What an argument of an operator takes, without optional and list around it.
enum class SchemaBase : std::uint8_t {
  tensor,
  integer,        // int, SymInt
  number,         // float
  boolean,        // bool
  scalar,         // Scalar (number): int, float or bool
  text,           // str
  dtype,          // ScalarType
  memory_format,  // "contiguous_format", "preserve_format", "channels_last", "channels_last_3d"
  layout,         // Layout, Device, Generator, Stream, …: only their default can be passed
};

struct SchemaType {
  SchemaBase base = SchemaBase::tensor;
  bool list = false;
  bool optional = false;          // the argument may be none
  bool optional_element = false;  // Tensor?[]
  std::int64_t size = 0;          // int[2]: a single integer stands for two; 0: no such number
  friend bool operator==(const SchemaType&, const SchemaType&) = default;
};
[[nodiscard]] std::string to_string(const SchemaType& type);  // "int[2]?"

struct SchemaArgument {
  std::string name;  // empty for a result without a name
  SchemaType type;
  std::string alias;     // "a" of Tensor(a!), "a -> *" of Tensor(a -> *)[]; empty if none
  bool written = false;  // the "!" of Tensor(a!)
  bool keyword_only = false;
  std::optional<std::string> default_value = std::nullopt;  // as printed: "None", "[0, 1]", "contiguous_format", …
};

struct Schema {
  std::string name;      // "aten::sum"
  std::string overload;  // "dim_IntList", empty for default
  std::vector<SchemaArgument> arguments;
  std::vector<SchemaArgument> results;
  std::string text;  // as printed
};

// Error (internal) names the place in `text` that was not understood.
[[nodiscard]] Result<Schema> parse_schema(std::string_view text);

// The value of one argument of an operator, typed as the schema wants it. For an argument of type Tensor it may also be
// an integer, number or boolean: then the operator gets a scalar tensor that counts as a number in type promotion (what
// PyTorch makes of `x + 1`).
struct CallValue {
  enum class Kind : std::uint8_t {
    none,
    tensor,
    tensors,
    integer,
    number,
    boolean,
    text,
    dtype,
    integers,
    numbers,
    booleans,
    dtypes,
    memory_format
  };
  Kind kind = Kind::none;
  std::vector<TensorId> tensors = {};       // tensor: one; tensors: any number, no_tensor for None
  std::vector<std::int64_t> integers = {};  // integer, boolean (0, 1): one; integers, booleans: any number
  std::vector<double> numbers = {};         // number: one; numbers: any number
  std::string text = {};                    // text, memory_format
  std::vector<Dtype> dtypes = {};           // dtype: one
  friend bool operator==(const CallValue&, const CallValue&) = default;
};
[[nodiscard]] std::string to_string(const CallValue& value);
// What a default that a schema prints stands for. nullopt for one that cannot be passed on as a value.
[[nodiscard]] std::optional<CallValue> default_of(const SchemaArgument& argument);

}  // namespace kerf
