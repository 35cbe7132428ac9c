// Standard output and error. Results go to the one, progress and errors to the other; a full disk or a closed pipe is
// an error like any other.
#pragma once

#include <string_view>

#include "base/result.h"

namespace kerf {

// Writes everything or says why it could not. SIGPIPE must be ignored (main does).
[[nodiscard]] Result<> print(std::string_view text);
// Standard error: best effort, nobody is left to tell.
void print_error(std::string_view text);
// An error as one line of it.
void tell_user(const Error& error);

struct Terminal {
  bool interactive = false;  // standard error is a terminal that can redraw a line
  bool color = false;        // and NO_COLOR is not set
  int columns = 80;
};
[[nodiscard]] Terminal standard_error_terminal();

}  // namespace kerf
