#include "target/cpu/native_build.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "base/jail.h"
#include "base/paths.h"
#include "base/process.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_image = std::size_t{16} << 20, max_messages = std::size_t{1} << 20,
                      max_listing = std::size_t{32} << 20, max_notes = std::size_t{8} << 20;

Error of_candidate(const char* verdict, const char* rule, std::string message) {
  return {.kind = ErrorKind::candidate, .message = std::move(message), .facts = {{"verdict", verdict}, {"rule", rule}}};
}

// What compiler and binary tools need to see of the machine; nothing of /home, /etc, /root, /tmp, no headers of
// libraries.
std::vector<std::string> visible(const Compiler& compiler) {
  std::vector<std::string> paths = {
      "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64",      "/usr/libexec", "/usr/x86_64-linux-gnu",
      "/bin",     "/lib",     "/lib64",     "/etc/ld.so.cache"};
  const std::string prefix = fs::path(compiler.path).parent_path().parent_path().string();
  if (prefix != "/usr" && prefix != "/" && !prefix.starts_with("/usr/lib")) paths.push_back(prefix);
  return paths;
}

Result<Finished> in_jail(const NativeBuild& request, const fs::path& folder, std::vector<std::string> argv,
                         std::size_t max_output) {
  const Jail jail{.read_only = visible(request.compiler),
                  .writable = {folder.string()},
                  .address_space = request.memory,
                  .file_size = std::size_t{256} << 20,
                  .cpu_seconds = static_cast<int>(request.limit.count() / 1000 + 1),
                  .processes = 64};
  Command command{.argv = std::move(argv),
                  .environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}},
                  .directory = folder.string()};
  command = TRY(jailed(jail, std::move(command)));
  // The limit is one of processor time: on a busy machine the same work takes longer.
  constexpr int crowd = 4;
  Finished finished = TRY(run(command, crowd * request.limit, max_output));
  if (finished.exit_code == jail_failed)
    return fail(ErrorKind::unavailable, "unavailable: " + finished.errors.substr(0, finished.errors.find('\n')));
  return finished;
}

Error compile_error(const NativeBuild& request, const Finished& finished,
                    const std::vector<CompilerMessage>& messages) {
  const double limit = static_cast<double>(request.limit.count()) * 1e-3;
  if (finished.timed_out || finished.signal == SIGXCPU) {
    return of_candidate(
        "compile_error", "compile_limit",
        fmt::format("compiling takes longer than {:.0f} s: make the source smaller (templates, unrolling)", limit));
  }
  for (const char* sign :
       {"out of memory", "virtual memory exhausted", "cannot allocate", "Killed", "bad_alloc", "File size limit"}) {
    if (finished.errors.find(sign) != std::string::npos) {
      return of_candidate(
          "compile_error", "compile_limit",
          fmt::format("compiling takes more memory or disk than it may ({} MiB): make arrays and templates smaller",
                      request.memory >> 20));
    }
  }
  if (auto error = first_error(messages)) return *std::move(error);
  std::string said = finished.errors.substr(0, finished.errors.find('\n')).substr(0, 300);
  std::ranges::replace_if(
      said, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f; }, '?');
  return of_candidate(
      "compile_error", "compile_error",
      fmt::format("the compiler ended with {}: {}", finished.describe(), said.empty() ? "it says nothing" : said));
}

}  // namespace

Result<NativeObject> build_native(const NativeBuild& request) {
  const TemporaryDirectory folder = TRY(TemporaryDirectory::create("kerf-compile"));
  const fs::path input = folder.path() / "candidate.cpp", output = folder.path() / "image.so",
                 notes = folder.path() / "notes";
  TRY(write_file(input, request.text));
  std::vector<std::string> argv = {request.compiler.path};
  argv.insert(argv.end(), request.flags.begin(), request.flags.end());
  const bool gnu = request.compiler.family == Compiler::Family::gnu;
  if (gnu) argv.push_back("-fopt-info-vec-optimized-missed=" + notes.string());
  argv.insert(argv.end(), {"-o", output.string(), "-x", "c++", input.string(), "-x", "none", "-Wl,--as-needed",
                           "-l:libm.so.6", "-l:libc.so.6", "-lgcc"});
  const Finished finished = TRY(in_jail(request, folder.path(), std::move(argv), max_messages));
  NativeObject object;
  object.messages = read_messages(finished.errors);
  if (!finished.ok()) return std::unexpected(compile_error(request, finished, object.messages));
  auto read = read_untrusted(output, max_image);
  if (!read) {
    return std::unexpected(of_candidate(
        "rejected", "too_large", fmt::format("the compiled candidate cannot be taken over: {}", read.error().message)));
  }
  object.bytes = *std::move(read);
  if (gnu) object.notes = read_untrusted(notes, max_notes).value_or("");
  if (request.objdump) {
    const Finished listed = TRY(
        in_jail(request, folder.path(), {*request.objdump, "-d", "--no-show-raw-insn", output.string()}, max_listing));
    if (!listed.ok() || listed.output_cut) {
      return std::unexpected(of_candidate("rejected", "unreadable_code",
                                          fmt::format("the compiled code cannot be listed (objdump: {})",
                                                      listed.output_cut ? "too long" : listed.describe())));
    }
    object.code = read_listing(listed.output);
  }
  return object;
}

}  // namespace kerf
