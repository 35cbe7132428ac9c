#include "app/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "app/words.h"

namespace kerf {

namespace {

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

Result<> print(std::string_view text) {
  const int code = write_all(STDOUT_FILENO, text);
  if (code == 0) return {};
  if (code == EPIPE) return fail(ErrorKind::system, "standard output was closed before everything was written");
  return fail(ErrorKind::system, "cannot write to standard output (" + std::generic_category().message(code) + ")");
}

void print_error(std::string_view text) { (void)write_all(STDERR_FILENO, text); }

Terminal standard_error_terminal() {
  Terminal terminal;
  const char* term = std::getenv("TERM");
  terminal.interactive = ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
  const char* no_color = std::getenv("NO_COLOR");
  terminal.color = terminal.interactive && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (terminal.interactive && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  }
  return terminal;
}

void tell_user(const Error& error) {
  const std::string place = error.at ? fmt::format("{}:{}: ", error.at->line, error.at->column) : "";
  const std::string prefix = error.kind == ErrorKind::unavailable ? "unavailable: " : "";
  const std::string message = one_line(error.message);
  print_error(fmt::format("kerf: {}{}{}\n", message.starts_with("unavailable") ? "" : prefix, place, message));
}

}  // namespace kerf
