#include "target/toolchain.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "base/process.h"

namespace kerf {

namespace {

constexpr int oldest_gnu = 12, newest_gnu = 17, oldest_clang = 16, newest_clang = 24;

// The first "1.2.3" of a line.
std::string_view version_number(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] < '0' || line[i] > '9' || (i > 0 && line[i - 1] != ' ')) continue;
    std::size_t end = line.find_first_not_of("0123456789.", i);
    if (end == line.npos) end = line.size();
    while (end > i && line[end - 1] == '.') --end;
    const std::string_view number = line.substr(i, end - i);
    if (number.find('.') != number.npos) return number;
  }
  return {};
}

}  // namespace

Result<Compiler> parse_version(std::string_view output, std::string path) {
  const std::string_view line = output.substr(0, output.find('\n'));
  Compiler compiler;
  compiler.path = std::move(path);
  if (line.find("clang version") != line.npos) {
    compiler.family = Compiler::Family::clang;
  } else if (output.find("Free Software Foundation") == output.npos) {
    return fail(ErrorKind::unavailable, compiler.path + " is neither g++ nor clang++");
  }
  // "g++-12 (Debian 12.2.0-14) 12.2.0": the text in parentheses is the distributor's.
  const std::size_t parenthesis = line.find(") ");
  std::string_view number = version_number(parenthesis == line.npos ? line : line.substr(parenthesis + 1));
  if (number.empty()) number = version_number(line);
  std::from_chars(number.data(), number.data() + number.size(), compiler.major);
  if (compiler.major == 0) return fail(ErrorKind::unavailable, "cannot read the version of " + compiler.path);
  compiler.version = (compiler.family == Compiler::Family::gnu ? "g++ " : "clang++ ") + std::string(number);
  return compiler;
}

std::vector<Compiler> find_compilers() {
  std::vector<std::string> names = {"g++", "clang++"};
  for (int major = newest_gnu; major >= oldest_gnu; --major) names.push_back("g++-" + std::to_string(major));
  for (int major = newest_clang; major >= oldest_clang; --major) names.push_back("clang++-" + std::to_string(major));
  if (const char* set = std::getenv("KERF_CXX"); set != nullptr && *set != '\0') names = {set};
  std::vector<Compiler> found;
  for (const std::string& name : names) {
    const auto program = find_program(name);
    if (!program) continue;
    std::error_code code;
    const std::string real = std::filesystem::canonical(*program, code).string();
    if (code || real.ends_with("ccache")) continue;
    if (std::ranges::any_of(found, [&](const Compiler& known) { return known.path == real; })) continue;
    const auto said = run({.argv = {real, "--version"}, .environment = {{"LC_ALL", "C"}}}, std::chrono::seconds(10));
    if (!said || !said->ok()) continue;
    auto compiler = parse_version(said->output, real);
    // clang 18 and newer answer to clang; what makes it a C++ compiler is its name, which resolving links loses.
    if (!compiler || compiler->major < (compiler->family == Compiler::Family::gnu ? oldest_gnu : oldest_clang))
      continue;
    found.push_back(*std::move(compiler));
  }
  std::ranges::stable_sort(found, [](const Compiler& a, const Compiler& b) {
    return a.family != b.family ? a.family < b.family : a.major > b.major;
  });
  return found;
}

Result<Compiler> find_compiler() {
  auto found = find_compilers();
  if (const char* set = std::getenv("KERF_CXX"); found.empty() && set != nullptr && *set != '\0')
    return fail(ErrorKind::unavailable, std::string("unavailable: KERF_CXX=") + set +
                                            " is no g++ (12 or newer) or clang (16 or newer): name one, or unset it");
  if (found.empty())
    return fail(ErrorKind::unavailable,
                "unavailable: no C++ compiler: install g++ (12 or newer) or clang (16 or newer)");
  return found.front();
}

}  // namespace kerf
