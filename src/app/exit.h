// Exit codes.
#pragma once

#include "base/result.h"

namespace kerf {

inline constexpr int exit_success = 0;
inline constexpr int exit_user = 2;           // bad input, or something this machine lacks
inline constexpr int exit_internal = 70;      // a bug of ours; a report file says more
inline constexpr int exit_interrupted = 130;  // Ctrl-C

[[nodiscard]] constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::internal:
      return exit_internal;
    case ErrorKind::cancelled:
      return exit_interrupted;
    case ErrorKind::user:
    case ErrorKind::candidate:
    case ErrorKind::unavailable:
    case ErrorKind::deferred:
    case ErrorKind::system:
      return exit_user;
  }
  return exit_internal;
}

}  // namespace kerf
