#include "target/cpu/cpp.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/clock.h"
#include "base/hash.h"
#include "base/jail.h"
#include "base/paths.h"
#include "candidate/prototype.h"
#include "target/cpu/inspect.h"
#include "target/cpu/messages.h"
#include "target/target.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// Goes up when anything here changes what an image of the same source contains or what is said of it.
constexpr std::int64_t harness_version = 1;
constexpr std::size_t max_image = std::size_t{16} << 20, max_messages = std::size_t{1} << 20,
                      max_listing = std::size_t{32} << 20;

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

nlohmann::json remarks_to_json(const std::vector<CompilerRemark>& remarks) {
  nlohmann::json list = nlohmann::json::array();
  for (const CompilerRemark& r : remarks) list.push_back({r.line, r.column, r.missed, r.pass, r.text});
  return list;
}

class CppBackend final : public LanguageBackend {
 public:
  CppBackend(Compiler compiler, std::string prelude, fs::path images, CppOptions options)
      : compiler_(std::move(compiler)),
        prelude_(std::move(prelude)),
        images_(std::move(images)),
        options_(std::move(options)),
        machine_(machine_identity(detect_machine())),
        objdump_(find_program("objdump")) {}

  [[nodiscard]] Result<Image> compile(const Source& source, const TunePoint& point) override {
    const auto begin = clock_.now();
    const std::string text = cpp_text(prelude_, source, point);
    Digest digest;
    digest.add(harness_version).add(compiler_.version).add(compiler_.path).add(machine_).add(text);
    for (const std::string& flag : cpp_flags(compiler_.family)) digest.add(flag);
    Image image{.path = {}, .digest = digest.hex(), .remarks = {}, .inspected = {}};
    image.path = (images_ / (image.digest + ".so")).string();
    if (!load_cached(image)) {
      TRY(build(source, text, image));
    } else {
      image.cached = true;
    }
    image.seconds = seconds(clock_.now() - begin);
    return image;
  }

  [[nodiscard]] std::string version() const override { return compiler_.version; }

 private:
  [[nodiscard]] bool load_cached(Image& image) const {
    const auto record = read_file(images_ / (image.digest + ".json"));
    std::error_code code;
    if (!record || !fs::is_regular_file(image.path, code)) return false;
    try {
      const auto json = nlohmann::json::parse(*record);
      image.inspected = json.at("inspected");
      for (const auto& r : json.at("remarks")) {
        image.remarks.push_back(
            {.line = r.at(0), .column = r.at(1), .missed = r.at(2), .pass = r.at(3), .text = r.at(4)});
      }
      return true;
    } catch (const nlohmann::json::exception&) {
      image.remarks.clear();  // a record of another making: made again
      return false;
    }
  }

  [[nodiscard]] Jail jail(const fs::path& folder) const {
    return {.read_only = visible(compiler_),
            .writable = {folder.string()},
            .address_space = options_.memory,
            .file_size = std::size_t{256} << 20,
            .cpu_seconds = static_cast<int>(options_.limit.count() / 1000 + 1),
            .processes = 64};
  }

  Result<Finished> in_jail(const fs::path& folder, std::vector<std::string> argv, std::size_t max_output) const {
    Command command{.argv = std::move(argv),
                    .environment = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}},
                    .directory = folder.string()};
    command = TRY(jailed(jail(folder), std::move(command)));
    // The limit is one of processor time: on a busy machine the same work takes longer.
    constexpr int crowd = 4;
    Finished finished = TRY(run(command, crowd * options_.limit, max_output));
    if (finished.exit_code == jail_failed)
      return fail(ErrorKind::unavailable, "unavailable: " + finished.errors.substr(0, finished.errors.find('\n')));
    return finished;
  }

  Result<> build(const Source& source, const std::string& text, Image& image) const {
    const TemporaryDirectory folder = TRY(TemporaryDirectory::create("kerf-compile"));
    const fs::path input = folder.path() / "candidate.cpp", output = folder.path() / "image.so",
                   notes = folder.path() / "notes";
    TRY(write_file(input, text));
    std::vector<std::string> argv = {compiler_.path};
    for (std::string& flag : cpp_flags(compiler_.family)) argv.push_back(std::move(flag));
    const bool gnu = compiler_.family == Compiler::Family::gnu;
    if (gnu) argv.push_back("-fopt-info-vec-optimized-missed=" + notes.string());
    argv.insert(argv.end(), {"-o", output.string(), "-x", "c++", input.string(), "-x", "none", "-Wl,--as-needed",
                             "-l:libm.so.6", "-l:libc.so.6", "-lgcc"});
    const Finished finished = TRY(in_jail(folder.path(), std::move(argv), max_messages));
    const auto messages = read_messages(finished.errors);
    if (!finished.ok()) return std::unexpected(compile_error(finished, messages));
    std::string bytes;
    if (auto read = read_untrusted(output, max_image)) {
      bytes = *std::move(read);
    } else {
      return std::unexpected(
          of_candidate("rejected", "too_large",
                       fmt::format("the compiled candidate cannot be taken over: {}", read.error().message)));
    }
    if (gnu) {
      image.remarks = read_remarks(read_messages(read_untrusted(notes, std::size_t{8} << 20).value_or("")));
    } else {
      image.remarks = read_remarks(messages);
    }
    TRY(inspect(source, bytes, folder.path(), output, image));
    // The image first, then the record: who finds the record finds the image.
    TRY(write_file(image.path, bytes));
    return write_file(
        images_ / (image.digest + ".json"),
        nlohmann::json{{"remarks", remarks_to_json(image.remarks)}, {"inspected", image.inspected}}.dump());
  }

  [[nodiscard]] Error compile_error(const Finished& finished, const std::vector<CompilerMessage>& messages) const {
    const double limit = static_cast<double>(options_.limit.count()) * 1e-3;
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
                        options_.memory >> 20));
      }
    }
    if (auto error = first_error(messages)) return *std::move(error);
    std::string said = finished.errors.substr(0, finished.errors.find('\n')).substr(0, 300);
    std::ranges::replace_if(
        said, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f; },
        '?');
    return of_candidate(
        "compile_error", "compile_error",
        fmt::format("the compiler ended with {}: {}", finished.describe(), said.empty() ? "it says nothing" : said));
  }

  Result<> inspect(const Source& source, const std::string& bytes, const fs::path& folder, const fs::path& output,
                   Image& image) const {
    const ObjectFile object = TRY(read_object(bytes));
    std::vector<FunctionCode> code;
    std::string unread;
    if (objdump_) {
      const Finished listed =
          TRY(in_jail(folder, {*objdump_, "-d", "--no-show-raw-insn", output.string()}, max_listing));
      if (listed.ok() && !listed.output_cut) {
        code = read_listing(listed.output);
      } else {
        return std::unexpected(of_candidate("rejected", "unreadable_code",
                                            fmt::format("the compiled code cannot be listed (objdump: {})",
                                                        listed.output_cut ? "too long" : listed.describe())));
      }
    } else {
      unread = "unavailable: objdump is not installed (binutils): instructions were not looked at";
    }
    TRY(check_object(object, code, source.candidate.text));
    image.inspected = to_json(object, code, kernels_of(source));
    if (!unread.empty()) image.inspected["notes"] = {unread};
    return {};
  }

  Compiler compiler_;
  std::string prelude_;
  fs::path images_;
  CppOptions options_;
  std::string machine_;
  std::optional<std::string> objdump_;
  SystemClock clock_;
};

}  // namespace

std::vector<std::string> cpp_flags(Compiler::Family family) {
  std::vector<std::string> flags = {"-std=c++20",
                                    "-O3",
                                    "-march=native",
                                    "-fPIC",
                                    "-shared",
                                    "-nostdlib",
                                    "-fno-exceptions",
                                    "-fno-rtti",
                                    "-fno-math-errno",
                                    "-fno-trapping-math",
                                    "-ffp-contract=fast",
                                    "-fno-stack-protector",
                                    "-fno-threadsafe-statics",
                                    "-fvisibility=hidden",
                                    "-ftemplate-depth=256",
                                    "-Wl,-z,noexecstack",
                                    "-Wl,-z,now",
                                    "-Wl,--build-id=none"};
  if (family == Compiler::Family::gnu) {
    flags.insert(flags.end(), {"-w", "-fdiagnostics-plain-output", "-fmax-errors=8", "-fno-plt"});
  } else {
    flags.insert(flags.end(),
                 {"-Wno-everything", "-ferror-limit=8", "-fno-caret-diagnostics", "-fno-color-diagnostics",
                  "-Rpass=loop-vectorize", "-Rpass-missed=loop-vectorize", "-Rpass-analysis=loop-vectorize"});
  }
  return flags;
}

std::string cpp_text(const std::string& prelude, const Source& source, const TunePoint& point) {
  return fmt::format("#line 1 \"prelude\"\n{}\n#line 1 \"tune\"\n{}\n#line 1 \"{}\"\n{}{}", prelude, constants(point),
                     candidate_file, source.candidate.text, trailer(source));
}

Result<std::string> cpp_prelude() {
  auto prelude_path = shipped("src/target/cpu/prelude/prelude.h");
  if (!prelude_path) prelude_path = shipped("prelude/prelude.h");
  const fs::path path = TRY(std::move(prelude_path));
  std::string prelude = TRY(read_file(path));
  if (const auto once = prelude.find("#pragma once\n"); once != std::string::npos)
    prelude.replace(once, 12, "");  // it is the main file here
  return prelude;
}

Result<std::unique_ptr<LanguageBackend>> make_cpp_backend(const CppOptions& options) {
  Compiler compiler = options.compiler ? *options.compiler : TRY(find_compiler());
  std::string prelude = TRY(cpp_prelude());
  fs::path images = options.images ? *options.images : TRY(cache_directory()) / "images";
  std::error_code code;
  fs::create_directories(images, code);
  if (code)
    return user_error("cannot create " + images.string() + " (" + code.message() +
                      "): set KERF_CACHE to a folder that can be written");
  return std::make_unique<CppBackend>(std::move(compiler), std::move(prelude), std::move(images), options);
}

}  // namespace kerf
