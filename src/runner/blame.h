// Errors of the runner that are the candidate's: the facts "verdict" and "rule" are what an evaluation records.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "candidate/bind.h"

namespace kerf {

[[nodiscard]] inline std::unexpected<Error> blame(const char* verdict, const char* rule, std::string message,
                                                  std::optional<Location> at) {
  return std::unexpected(Error{.kind = ErrorKind::candidate,
                               .message = std::move(message),
                               .at = at,
                               .facts = {{"verdict", verdict}, {"rule", rule}}});
}

// Something was written beside a tensor: of the launches that are given it, the last is where to look.
[[nodiscard]] std::unexpected<Error> blame_write_beside(const Program& program, TensorId tensor,
                                                        const std::string& name);

}  // namespace kerf
