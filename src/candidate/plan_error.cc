#include "candidate/plan_error.h"

#include <utility>

namespace kerf {

Error plan_error(std::string_view rule, std::string message, Location at) {
  Error error{.kind = ErrorKind::candidate, .message = std::move(message), .at = at};
  error.facts.emplace_back("verdict", "rejected");
  error.facts.emplace_back("rule", std::string(rule));
  return error;
}

}  // namespace kerf
