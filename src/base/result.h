// Errors as values. Everything that the outside world can break returns Result<T>; what only a bug can break asserts.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kerf {

// What kind of trouble, hence who acts on it and which exit code it maps to (see app/exit.h).
enum class ErrorKind : std::uint8_t {
  user,         // bad input: the message says what to do next; exit 2
  candidate,    // a candidate's own fault: becomes a verdict, never ends a session
  unavailable,  // something this machine lacks (a compiler, PyTorch, a kernel feature); exit 2
  cancelled,    // Ctrl-C, a budget, a caller that lost interest
  deferred,     // no error: the answer comes from elsewhere, to a later process
  system,       // the operating system refused (disk full, out of memory, a process died)
  internal,     // a bug of ours; exit 70
};

[[nodiscard]] const char* to_string(ErrorKind kind);

// A place in a text, line and column counted from 1.
struct Location {
  int line = 1;
  int column = 1;
  friend bool operator==(const Location&, const Location&) = default;
};

// `message` is one line that says what was found, what was expected and what to do next. `facts` are for machines.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::optional<Location> at = std::nullopt;
  std::vector<std::pair<std::string, std::string>> facts = {};
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message,
                                                 std::optional<Location> at = std::nullopt) {
  return std::unexpected(Error{.kind = kind, .message = std::move(message), .at = at});
}
[[nodiscard]] inline std::unexpected<Error> user_error(std::string message) {
  return fail(ErrorKind::user, std::move(message));
}
// Appends ": " and strerror(code) to `what`.
[[nodiscard]] std::unexpected<Error> system_error(std::string what, int code);

}  // namespace kerf

// The value of a Result, or return its error from the enclosing function. Works for Result<void>, too.
#define TRY(...)                                                              \
  __extension__({                                                             \
    auto&& try_result_ = (__VA_ARGS__);                                       \
    if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
    *std::move(try_result_);                                                  \
  })
