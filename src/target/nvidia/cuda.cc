#include "target/nvidia/cuda.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/paths.h"
#include "base/process.h"
#include "candidate/prototype.h"
#include "problem/json_fields.h"
#include "target/cpu/cpp.h"
#include "target/cpu/inspect.h"
#include "target/cpu/native_build.h"
#include "target/nvidia/cubin.h"
#include "target/nvidia/emulated_source.h"
#include "target/nvidia/launch_check.h"
#include "target/nvidia/nvrtc.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// Goes up when anything here changes what an image of the same source contains or what is said of it.
constexpr std::int64_t harness_version = 2;

Error of_candidate(const char* verdict, const char* rule, std::string message) {
  return {.kind = ErrorKind::candidate, .message = std::move(message), .facts = {{"verdict", verdict}, {"rule", rule}}};
}

// A header as the beginning of a text: the pragma would be one of a main file.
Result<std::string> shipped_text(std::string_view path) {
  const fs::path file = TRY(shipped(path));
  std::string text = TRY(read_file(file));
  constexpr std::string_view once = "#pragma once\n";
  if (const auto at = text.find(once); at != std::string::npos) text.replace(at, once.size() - 1, "");
  return text;
}

class CudaBackend final : public LanguageBackend {
 public:
  struct Preludes {
    std::string device, emulation;
  };

  CudaBackend(Target target, std::unique_ptr<Nvrtc> nvrtc, Compiler compiler, Preludes preludes, fs::path images,
              CudaOptions options)
      : target_(std::move(target)),
        nvrtc_(std::move(nvrtc)),
        compiler_(std::move(compiler)),
        preludes_(std::move(preludes)),
        images_(std::move(images)),
        options_(std::move(options)),
        machine_(machine_identity(detect_machine())),
        objdump_(find_program("objdump")) {}

  [[nodiscard]] Result<Image> compile(const Source& source, const TunePoint& point,
                                      std::span<const Workload> /*workloads*/) override {
    const auto begin = clock_.now();
    const std::string values = constants(point);
    Digest digest;
    digest.add(harness_version).add(nvrtc_->version());
    if (options_.emulate) digest.add(compiler_.version).add(compiler_.path).add(machine_).add(preludes_.emulation);
    digest.add(target_.gpu->architecture).add(preludes_.device);
    digest.add(values).add(source.candidate.text);
    Image image{.path = {}, .digest = digest.hex(), .remarks = {}, .inspected = {}};
    image.path = (images_ / (image.digest + (options_.emulate ? ".so" : ".cubin"))).string();
    if (!load_cached(image)) {
      TRY(build(source, values, image));
    } else {
      image.cached = true;
    }
    image.seconds = seconds(clock_.now() - begin);
    return image;
  }

  [[nodiscard]] Result<nlohmann::json> check(const Source& source, const Workload& workload, const TunePoint& point,
                                             const Image* image) override {
    if (image == nullptr) return check_launches(source, workload, point, *target_.gpu, nullptr);
    std::map<std::string, CubinKernel> kernels;
    for (const auto& [name, kernel] : image->inspected.at("kernels").items())
      kernels[name] = TRY(cubin_kernel_from(kernel));
    return check_launches(source, workload, point, *target_.gpu, &kernels);
  }

  [[nodiscard]] std::string version() const override {
    return options_.emulate ? fmt::format("{}, {}", nvrtc_->version(), compiler_.version) : nvrtc_->version();
  }

 private:
  [[nodiscard]] bool load_cached(Image& image) const {
    const auto record = read_file(images_ / (image.digest + ".json"));
    std::error_code code;
    if (!record || !fs::is_regular_file(image.path, code)) return false;
    auto json = read_json(*record);
    if (!json.is_object() || !json.contains("kernels") || !json.contains("code") || !json["code"].is_string())
      return false;  // a record of another making: made again
    image.code = json["code"].get<std::string>();
    image.inspected = std::move(json);
    return true;
  }

  Result<> build(const Source& source, const std::string& values, Image& image) const {
    const auto begin = clock_.now();
    const std::string cubin = TRY(build_cubin(source, values, image));
    const double device_seconds = seconds(clock_.now() - begin);
    image.inspected["nvrtc_seconds"] = device_seconds;
    if (options_.emulate) {
      const std::string object = TRY(build_emulation(source, values));
      TRY(write_file(image.path, object));
    }
    TRY(write_file(images_ / (image.digest + ".cubin"), cubin));
    return write_file(images_ / (image.digest + ".json"), image.inspected.dump());  // last: see load_cached
  }

  Result<std::string> build_cubin(const Source& source, const std::string& values, Image& image) const {
    const std::vector<std::string> names = kernels_of(source);
    const NvrtcAnswer answer =
        TRY(nvrtc_->compile({.text = fmt::format("#line 1 \"prelude\"\n{}\n#line 1 \"tune\"\n{}\n#line 1 \"{}\"\n{}",
                                                 preludes_.device, values, candidate_file, source.candidate.text),
                             .options = {"--gpu-architecture=" + target_.gpu->architecture, cuda_standard,
                                         // So that samples of program counters have lines; leaves the code as it is.
                                         "--generate-line-info"},
                             .names = names,
                             .cpu_seconds = static_cast<int>(options_.limit.count() / 1000 + 1)}));
    if (!answer.compiled) return std::unexpected(compile_error(source, answer));
    const Cubin cubin = TRY(read_cubin(answer.cubin));
    image.inspected = {{"architecture", target_.gpu->architecture},
                       {"cubin_bytes", answer.cubin.size()},
                       {"kernels", nlohmann::json::object()}};
    for (std::size_t i = 0; i < names.size() && i < answer.symbols.size(); ++i) {
      const auto kernel = std::ranges::find(cubin.kernels, answer.symbols[i], &CubinKernel::name);
      if (kernel == cubin.kernels.end())
        return fail(ErrorKind::system, fmt::format("the cubin has no kernel {}", names[i]));
      image.inspected["kernels"][names[i]] = to_json(*kernel);
    }
    image.code = TRY(code_of_cubin(answer.cubin, answer.symbols));
    image.inspected["code"] = image.code;
    return answer.cubin;
  }

  [[nodiscard]] Error compile_error(const Source& source, const NvrtcAnswer& answer) const {
    if (answer.died == "time") {
      return of_candidate(
          "compile_error", "compile_limit",
          fmt::format("compiling takes longer than {:.0f} s: make the source smaller (templates, unrolling)",
                      static_cast<double>(options_.limit.count()) * 1e-3));
    }
    if (!answer.died.empty())
      return of_candidate("compile_error", "compile_error", "NVRTC crashed over this source: simplify it");
    if (auto error = first_error(read_nvrtc_log(answer.log, source.candidate.text))) {
      // An expression that names a kernel stands in the plan.
      for (const Step& step : source.plan.steps) {
        const std::string kernel = step.target.text.substr(0, step.target.text.find('<'));
        if (!error->at && step.kind == Step::Kind::launch && error->message.find(kernel) != std::string::npos)
          error->at = step.target.at;
      }
      return *std::move(error);
    }
    std::string said = answer.log.substr(0, answer.log.find('\n')).substr(0, 300);
    std::ranges::replace_if(
        said, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f; },
        '?');
    return of_candidate("compile_error", "compile_error", fmt::format("NVRTC: {}", said));
  }

  Result<std::string> build_emulation(const Source& source, const std::string& values) const {
    const std::string body = TRY(emulated_source(source.candidate.text));
    const std::string text = fmt::format("#line 1 \"prelude\"\n{}\n#line 1 \"tune\"\n{}\n#line 1 \"{}\"\n{}{}",
                                         preludes_.emulation, values, candidate_file, body, trailer(source));
    auto object = build_native({.compiler = compiler_,
                                .flags = cpp_flags(compiler_.family),
                                .text = text,
                                .limit = options_.limit,
                                .memory = options_.memory,
                                .objdump = objdump_});
    if (!object && object.error().kind == ErrorKind::candidate) return std::unexpected(not_emulated(object.error()));
    const NativeObject built = TRY(std::move(object));
    ObjectFile file = TRY(read_object(built.bytes));
    file.thread_local_data = false;  // __shared__ variables
    std::erase(file.undefined, "__tls_get_addr");
    TRY(check_object(file, built.code, source.candidate.text));
    return built.bytes;
  }

  // NVRTC took the source, so the candidate is not at fault.
  static Error not_emulated(const Error& error) {
    return {.kind = ErrorKind::unavailable,
            .message = fmt::format("unavailable: {}the emulation on the CPU cannot compile what NVRTC can: {}; this "
                                   "candidate needs an NVIDIA GPU",
                                   error.at ? fmt::format("line {}: ", error.at->line) : "", error.message),
            .at = error.at};
  }

  Target target_;
  std::unique_ptr<Nvrtc> nvrtc_;
  Compiler compiler_;
  Preludes preludes_;
  fs::path images_;
  CudaOptions options_;
  std::string machine_;
  std::optional<std::string> objdump_;
  SystemClock clock_;
};

}  // namespace

Result<std::string> cuda_prelude() { return shipped_text("src/target/nvidia/prelude/device.h"); }

Result<std::unique_ptr<LanguageBackend>> make_cuda_backend(Target target, const CudaOptions& options) {
  if (!target.gpu) return user_error("target " + target.name + " describes no GPU: its file has no table [gpu]");
  const fs::path library = options.nvrtc ? *options.nvrtc : TRY(find_nvrtc());
  Compiler compiler;
  if (options.emulate) compiler = options.compiler ? *options.compiler : TRY(find_compiler());
  CudaBackend::Preludes preludes;
  preludes.device = TRY(cuda_prelude());
  preludes.emulation = TRY(shipped_text("src/runner/emulation/abi.h"));
  for (const char* part : {"language", "vectors", "mathematics", "memory", "threads"})
    preludes.emulation += TRY(shipped_text(fmt::format("src/target/nvidia/prelude/emulation/{}.h", part)));
  fs::path images = options.images ? *options.images : TRY(cache_directory()) / "images";
  std::error_code code;
  fs::create_directories(images, code);
  if (code)
    return user_error("cannot create " + images.string() + " (" + code.message() +
                      "): set KERF_CACHE to a folder that can be written");
  auto nvrtc = TRY(Nvrtc::start(library));
  return std::make_unique<CudaBackend>(std::move(target), std::move(nvrtc), std::move(compiler), std::move(preludes),
                                       std::move(images), options);
}

}  // namespace kerf
