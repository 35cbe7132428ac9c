#include "app/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "app/console.h"
#include "app/exit.h"
#include "app/live_view.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/paths.h"

namespace kerf {

namespace {

// The last command that was named, and its words: "kerf suite run".
const CLI::App* innermost(const CLI::App& app, std::string* words = nullptr) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    if (words != nullptr) *words += " " + at->get_name();
  }
  return at;
}

// What a bug report needs, beside the user or in the folder for temporary files.
void leave_report(int argc, const char* const* argv, const Error& error) {
  const SystemClock clock;
  std::string text = fmt::format("kerf {} met an internal error at {}\n\n{}: {}\n", kerf_version,
                                 iso_time(clock.unix_ms()), to_string(error.kind), error.message);
  for (const auto& [key, value] : error.facts) text += fmt::format("{}: {}\n", key, value);
  text += "\ncommand:";
  for (int i = 0; i < argc; ++i) text += fmt::format(" {}", argv[i]);
  text += "\n";
  const std::string name = fmt::format("kerf-report-{}-{}.txt", clock.unix_ms() / 1000, ::getpid());
  std::error_code code;
  for (const auto& folder : {std::filesystem::current_path(code), std::filesystem::temp_directory_path(code)}) {
    if (folder.empty() || !write_file(folder / name, text)) continue;
    print_error(
        fmt::format("kerf: internal error: {}; please send {}\n", one_line(error.message), (folder / name).string()));
    return;
  }
  print_error(fmt::format("kerf: internal error: {}; no report could be written\n", one_line(error.message)));
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  const auto line = make_command_line();
  try {
    line->app->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto printed = print(innermost(*line->app)->help());
    if (!printed) tell_user(printed.error());
    return printed ? exit_success : exit_user;
  } catch (const CLI::CallForVersion&) {
    const auto printed = print(std::string("kerf ") + kerf_version + "\n");
    return printed ? exit_success : exit_user;
  } catch (const CLI::ParseError& error) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    const auto commands = line->app->get_subcommands([](const CLI::App*) { return true; });
    const bool known = std::ranges::any_of(commands, [&](const CLI::App* c) { return c->get_name() == first; });
    if (!first.empty() && !first.starts_with('-') && !known) {
      tell_user(user_error(fmt::format("there is no command \"{}\"; see kerf --help", first)).error());
      return exit_user;
    }
    std::string name = "kerf";
    const CLI::App* const command = innermost(*line->app, &name);
    const bool none = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) &&
                      !command->get_subcommands([](const CLI::App*) { return true; }).empty();
    const std::string why = none ? "which command?" : one_line(error.what()) + ";";
    tell_user(user_error(fmt::format("{} see {} --help", why, name)).error());
    return exit_user;
  }
  Result<int> code = fail(ErrorKind::internal, "no command was chosen");
  try {
    if (line->chosen) code = line->chosen();
  } catch (const std::bad_alloc&) {
    code = fail(ErrorKind::system, "out of memory");
  } catch (const std::exception& error) {
    code = fail(ErrorKind::internal, fmt::format("unexpected exception: {}", error.what()));
  }
  restore_terminal();
  if (code) return *code;
  if (code.error().kind == ErrorKind::internal)
    leave_report(argc, argv, code.error());
  else
    tell_user(code.error());
  return exit_code(code.error().kind);
}

}  // namespace kerf
