// What the parser of expressions builds and their evaluation walks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "candidate/arithmetic.h"
#include "candidate/expression.h"

namespace kerf {

struct Expression::Node {
  enum class Kind : std::uint8_t {
    constant,
    name,
    attribute,
    item,
    unary,
    binary,
    all,
    any,
    choice,
    call,
    cast,
    numel
  };
  Kind kind = Kind::constant;
  std::size_t offset = 0;            // where it starts in the text
  Value value = {};                  // constant
  int name = 0;                      // name, numel
  Operator op = Operator::add;       // binary; comparisons of a chain are in `chain`
  char sign = '-';                   // unary: - + !
  std::string word = {};             // attribute, call, cast
  std::vector<std::size_t> of = {};  // operands, indexes of nodes; choice: condition, then, else
  std::vector<Operator> chain = {};  // all: of[i] chain[i] of[i + 1]
};

}  // namespace kerf
