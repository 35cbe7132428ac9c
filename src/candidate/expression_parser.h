// From the text of an expression to its nodes.
#pragma once

#include <vector>

#include "base/result.h"
#include "candidate/expression_node.h"

namespace kerf {

struct ParsedExpression {
  std::vector<Expression::Node> nodes;  // the last one is the root
  std::vector<Expression::Use> uses;
};

// Errors point into the candidate (text.position).
[[nodiscard]] Result<ParsedExpression> parse_expression(const Located& text, const Names& names);

}  // namespace kerf
