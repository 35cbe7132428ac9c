// The expression language of plans: Python's syntax, precedence and results over integers, floats, bools, strings and
// lists of them. See docs/candidates.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "candidate/names.h"
#include "candidate/plan.h"
#include "problem/tensor.h"
#include "problem/value.h"

namespace kerf {

// What a name stands for at some moment.
struct Meaning {
  struct Absent {
    std::string why;  // "is the result of the step at line 7, which runs later"
  };
  struct Unknown {};  // given, but its value cannot be known here (what depends on a call, where no call is run)
  std::variant<Absent, Unknown, Value, const TensorSpec*> is;
};
using Scope = std::vector<Meaning>;  // by index of the name

enum class Cast : std::uint8_t { none, i32, f32, f64 };

struct Evaluated {
  Value value = {};
  Cast cast = Cast::none;
  bool unknown = false;  // depends on something unknown
};

class Expression {
 public:
  // Errors point into the candidate (text.position).
  [[nodiscard]] static Result<Expression> parse(const Located& text, const Names& names);
  [[nodiscard]] Result<Evaluated> evaluate(const Scope& scope) const;

  struct Use {
    int name = 0;
    Location at;
    bool stride = false;  // NAME.stride
  };
  [[nodiscard]] const std::vector<Use>& uses() const { return uses_; }
  [[nodiscard]] const Located& text() const { return text_; }

  struct Node;

 private:
  Located text_;
  std::vector<Use> uses_;
  std::shared_ptr<const std::vector<Node>> nodes_;           // the last one is the root
  std::shared_ptr<const std::vector<std::string>> spelled_;  // of names, by index
};

inline constexpr std::size_t max_expression_bytes = 4096;

}  // namespace kerf
