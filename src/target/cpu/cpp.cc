#include "target/cpu/cpp.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "base/clock.h"
#include "base/hash.h"
#include "base/paths.h"
#include "base/process.h"
#include "candidate/prototype.h"
#include "problem/json_fields.h"
#include "target/cpu/inspect.h"
#include "target/cpu/messages.h"
#include "target/cpu/native_build.h"
#include "target/target.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// Goes up when anything here changes what an image of the same source contains or what is said of it.
constexpr std::int64_t harness_version = 2;

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

  [[nodiscard]] Result<Image> compile(const Source& source, const TunePoint& point,
                                      std::span<const Workload> /*workloads*/) override {
    const auto begin = clock_.now();
    const std::string text = cpp_text(prelude_, source, point);
    Digest digest;
    digest.add(harness_version).add(compiler_.version).add(compiler_.path).add(machine_).add(text);
    for (const std::string& flag : cpp_flags(compiler_.family)) digest.add(flag);
    Image image{.path = {}, .digest = digest.hex(), .remarks = {}, .inspected = {}};
    image.path = (images_ / (image.digest + ".so")).string();
    const InFlight alone(*this, image.digest);
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
  // Tune points of one text are compiled once: whoever comes second waits, and finds the image.
  class InFlight {
   public:
    InFlight(CppBackend& backend, std::string digest) : backend_(backend), digest_(std::move(digest)) {
      std::unique_lock lock(backend_.mutex_);
      backend_.ended_.wait(lock, [this] { return backend_.in_flight_.insert(digest_).second; });
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight() {
      {
        const std::scoped_lock lock(backend_.mutex_);
        backend_.in_flight_.erase(digest_);
      }
      backend_.ended_.notify_all();
    }

   private:
    CppBackend& backend_;
    std::string digest_;
  };

  [[nodiscard]] bool load_cached(Image& image) const {
    const auto record = read_file(images_ / (image.digest + ".json"));
    std::error_code code;
    if (!record || !fs::is_regular_file(image.path, code)) return false;
    try {
      const auto json = read_json(*record);
      image.inspected = json.at("inspected");
      image.code = json.at("code").get<std::string>();
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

  Result<> build(const Source& source, const std::string& text, Image& image) const {
    const NativeObject object = TRY(build_native({.compiler = compiler_,
                                                  .flags = cpp_flags(compiler_.family),
                                                  .text = text,
                                                  .limit = options_.limit,
                                                  .memory = options_.memory,
                                                  .objdump = objdump_}));
    const bool gnu = compiler_.family == Compiler::Family::gnu;
    image.remarks = read_remarks(gnu ? read_messages(object.notes) : object.messages);
    const ObjectFile file = TRY(read_object(object.bytes));
    TRY(check_object(file, object.code, source.candidate.text));
    TRY(check_state(file, source));
    image.inspected = to_json(file, object.code, kernels_of(source));
    image.code = TRY(code_of_object(object.bytes));
    if (!objdump_) {
      image.inspected["notes"] = {"unavailable: objdump is not installed (binutils): instructions were not looked at"};
    }
    // The image first, then the record: who finds the record finds the image.
    TRY(write_file(image.path, object.bytes));
    return write_file(images_ / (image.digest + ".json"), nlohmann::json{{"remarks", remarks_to_json(image.remarks)},
                                                                         {"inspected", image.inspected},
                                                                         {"code", image.code}}
                                                              .dump());
  }

  Compiler compiler_;
  std::string prelude_;
  fs::path images_;
  CppOptions options_;
  std::string machine_;
  std::optional<std::string> objdump_;
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::string> in_flight_;  // digests
};

}  // namespace

TunePoint named_in(const Source& source, const TunePoint& point) {
  const std::string& text = source.candidate.text;
  if (text.find("##") != std::string::npos) return point;  // names that only the preprocessor puts together
  TunePoint named;
  for (const auto& [axis, value] : point) {
    if (place_of(text, axis)) named.emplace_back(axis, value);
  }
  return named;
}

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
  return fmt::format("#line 1 \"prelude\"\n{}\n#line 1 \"tune\"\n{}\n#line 1 \"{}\"\n{}{}", prelude,
                     constants(named_in(source, point)), candidate_file, source.candidate.text, trailer(source));
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
