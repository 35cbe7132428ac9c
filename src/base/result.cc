#include "base/result.h"

#include <cstring>

namespace kerf {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::user:
      return "user";
    case ErrorKind::candidate:
      return "candidate";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::deferred:
      return "deferred";
    case ErrorKind::system:
      return "system";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

std::unexpected<Error> system_error(std::string what, int code) {
  char buffer[256];
  // GNU strerror_r: returns the text, which need not lie in the buffer.
  const char* text = ::strerror_r(code, buffer, sizeof buffer);
  Error error{.kind = ErrorKind::system, .message = std::move(what) + ": " + text};
  error.facts.emplace_back("errno", std::to_string(code));
  return std::unexpected(std::move(error));
}

}  // namespace kerf
