#include "target/nvidia/triton.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/paths.h"
#include "candidate/plan_error.h"
#include "candidate/triton_manifest.h"
#include "problem/json_fields.h"
#include "target/nvidia/cubin.h"
#include "target/nvidia/kernel_prober.h"
#include "target/nvidia/occupancy.h"
#include "target/nvidia/triton_launch.h"
#include "target/nvidia/triton_source.h"
#include "target/nvidia/triton_worker.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// Goes up when anything here changes what an image of the same source contains or what is said of it.
constexpr std::int64_t harness_version = 1;
constexpr int warp = 32;

class TritonBackend final : public LanguageBackend, public KernelProber {
 public:
  TritonBackend(Target target, std::unique_ptr<TritonWorkers> workers, fs::path images)
      : target_(std::move(target)), workers_(std::move(workers)), sources_(*workers_), images_(std::move(images)) {
    const std::string& name = target_.gpu->architecture;  // sm_90a
    std::from_chars(name.data() + std::min<std::size_t>(3, name.size()), name.data() + name.size(), architecture_);
  }

  Result<Image> compile(const Source& source, const TunePoint& point, std::span<const Workload> workloads) override {
    const auto begin = clock_.now();
    std::map<std::string, TritonLaunch> wanted;  // by key
    for (const Workload& workload : workloads) {
      if (!TRY(supports(source, workload))) continue;
      for (TritonLaunch& bound : TRY(triton_launches(source, workload, point)))
        wanted.try_emplace(bound.key, std::move(bound));
    }
    Digest digest;
    digest.add("triton").add(harness_version).add(workers_->version()).add(target_.gpu->architecture);
    digest.add(to_string(point)).add(to_string(source.candidate.language)).add(source.candidate.text);
    for (const auto& [key, bound] : wanted) digest.add(key);
    Image image{.path = {}, .digest = digest.hex(), .remarks = {}, .inspected = {}};
    image.path = (images_ / (image.digest + ".manifest.json")).string();
    if (load_cached(image)) {
      image.cached = true;
    } else {
      TRY(build(source, point, wanted, image));
    }
    image.seconds = seconds(clock_.now() - begin);
    return image;
  }

  Result<nlohmann::json> check(const Source& source, const Workload& workload, const TunePoint& point,
                               const Image* image) override {
    const std::vector<TritonLaunch> launches = TRY(triton_launches(source, workload, point));
    for (const TritonLaunch& bound : launches) TRY(check_grid(bound, *target_.gpu));
    if (image == nullptr) return nlohmann::json();
    const std::string text = TRY(read_file(image->path));
    const TritonManifest manifest = TRY(read_triton_manifest(text));
    nlohmann::json told = nlohmann::json::array();
    for (const TritonLaunch& bound : launches) {
      const TritonEntry* entry = manifest.find(bound.key);
      if (entry == nullptr)
        return fail(ErrorKind::internal, "the manifest lacks a launch that was compiled: " + bound.key);
      told.push_back(tell(bound, *entry, image->inspected));
    }
    return told;
  }

  [[nodiscard]] std::string version() const override { return workers_->version(); }

  Result<ProbedKernel> probed(const Source& source, const Workload& workload, const TunePoint& point,
                              int step) override {
    auto made = make_probed(source, workload, point, step);
    if (made || made.error().kind == ErrorKind::unavailable) return made;
    return fail(ErrorKind::unavailable, "unavailable: a kernel with probes: " + made.error().message);
  }

 private:
  [[nodiscard]] bool load_cached(Image& image) const {
    const auto record = read_file(images_ / (image.digest + ".json"));
    const auto text = read_file(image.path);
    if (!record || !text) return false;
    auto json = read_json(*record);
    const auto manifest = read_triton_manifest(*text);
    if (!json.is_object() || !json.contains("entries") || !json.contains("code") || !json["code"].is_string() ||
        !manifest) {
      return false;
    }
    std::error_code code;
    for (const TritonEntry& entry : manifest->entries) {
      if (!fs::is_regular_file(images_ / entry.cubin, code)) return false;
    }
    image.code = json["code"].get<std::string>();
    image.inspected = std::move(json);
    return true;
  }

  [[nodiscard]] Result<ProbedKernel> make_probed(const Source& source, const Workload& workload, const TunePoint& point,
                                                 int step) const {
    const std::vector<TritonLaunch> launches = TRY(triton_launches(source, workload, point));
    const auto bound =
        std::ranges::find(launches, &source.plan.steps.at(static_cast<std::size_t>(step)), &TritonLaunch::step);
    if (bound == launches.end()) return fail(ErrorKind::unavailable, "unavailable: the step launches nothing");
    const auto loaded = TRY(workers_->load(source.candidate.text));
    const auto kernel = loaded->kernels().find(bound->launch.kernel);
    if (kernel == loaded->kernels().end()) return fail(ErrorKind::unavailable, "unavailable: the kernel is not there");
    std::vector<TritonParameter> parameters;
    const TritonJob job = TRY(triton_job(*bound, kernel->second, point, parameters));
    const auto plain = TRY(loaded->compile(std::span(&job, 1), architecture_));
    const Ttgir ir = TRY(read_ttgir(plain.at(0).ttgir));
    const std::vector<std::size_t> ops = ops_to_probe(ir);
    if (ops.empty()) return fail(ErrorKind::unavailable, "unavailable: it has no operation that is worth timing");
    const ProbedTtgir changed = TRY(insert_probes(ir, ops));
    const auto outputs = TRY(loaded->compile_ir({changed.text}, plain.at(0).num_warps, architecture_));
    const TritonOutput& output = outputs.at(0);
    const Cubin cubin = TRY(read_cubin(output.cubin));
    const auto compiled = std::ranges::find(cubin.kernels, output.symbol, &CubinKernel::name);
    const std::size_t given = parameters.size() + 1;
    if (compiled == cubin.kernels.end() || compiled->parameters.size() < given ||
        compiled->parameters.size() - given > output.scratch.size())
      return fail(ErrorKind::unavailable, "unavailable: Triton made another kernel of it than was expected");
    ProbedKernel made{.kernel = bound->launch.kernel,
                      .cubin = {},
                      .symbol = output.symbol,
                      .num_warps = output.num_warps,
                      .shared_bytes = output.shared_bytes,
                      .parameters = static_cast<int>(parameters.size()),
                      .scratch = {},
                      .plan = changed.plan,
                      .ops = {}};
    for (std::size_t i = 0; i < compiled->parameters.size() - given; ++i)
      made.scratch.push_back(output.scratch[i].bytes);
    for (const std::size_t op : ops) {
      const bool own = ir.ops[op].file.ends_with(std::string("/") + triton_candidate_file);
      made.ops[op] = {.name = ir.ops[op].name, .line = own ? ir.ops[op].line : 0};
    }
    const fs::path file = images_ / (Digest().add("probed").add(output.cubin).hex() + ".probed.cubin");
    TRY(write_file(file, output.cubin));
    made.cubin = file.string();
    return made;
  }

  Result<> build(const Source& source, const TunePoint& point, const std::map<std::string, TritonLaunch>& wanted,
                 Image& image) {
    const auto begin = clock_.now();
    const std::shared_ptr<TritonSource> compiled = sources_.of(source.candidate.text);
    const std::map<std::string, TritonKernel> kernels = TRY(compiled->kernels());
    std::vector<TritonJob> jobs;
    std::vector<TritonEntry> entries;
    std::vector<const TritonLaunch*> bounds;
    for (const auto& [key, bound] : wanted) {
      const auto kernel = kernels.find(bound.launch.kernel);
      if (kernel == kernels.end()) {
        return refuse("kernel",
                      fmt::format("{} is no function of the file with @triton.jit or @gluon.jit", bound.launch.kernel),
                      bound.step->target.at);
      }
      TritonEntry entry{
          .key = key, .kernel = bound.launch.kernel, .cubin = {}, .symbol = {}, .parameters = {}, .scratch = {}};
      jobs.push_back(TRY(triton_job(bound, kernel->second, point, entry.parameters)));
      entries.push_back(std::move(entry));
      bounds.push_back(&bound);
    }
    const std::vector<TritonOutput> outputs = TRY(compiled->compile(jobs, architecture_));
    image.inspected = {{"architecture", target_.gpu->architecture}, {"entries", nlohmann::json::array()}};
    Digest code;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      TRY(finish(entries[i], outputs[i], *bounds[i], image));
      code.add(entries[i].key)
          .add(static_cast<std::int64_t>(entries[i].num_warps))
          .add(entries[i].shared_bytes)
          .add(TRY(code_of_cubin(outputs[i].cubin, std::span(&entries[i].symbol, 1))));
      entries[i].cubin = fmt::format("{}.{}.cubin", image.digest, i);
      TRY(write_file(images_ / entries[i].cubin, outputs[i].cubin));
    }
    image.code = code.hex();
    image.inspected["code"] = image.code;
    image.inspected["triton_seconds"] = seconds(clock_.now() - begin);
    TRY(write_file(image.path, to_text({.architecture = fmt::format("sm_{}", architecture_), .entries = entries})));
    return write_file(images_ / (image.digest + ".json"), image.inspected.dump());  // last: see load_cached
  }

  // What the cubin says of the kernel, held against what Triton and the plan say.
  Result<> finish(TritonEntry& entry, const TritonOutput& output, const TritonLaunch& bound, Image& image) const {
    const Cubin cubin = TRY(read_cubin(output.cubin));
    const auto kernel = std::ranges::find(cubin.kernels, output.symbol, &CubinKernel::name);
    if (kernel == cubin.kernels.end())
      return fail(ErrorKind::system, fmt::format("the cubin of {} has no kernel", entry.kernel));
    if (output.shared_bytes > target_.gpu->shared_per_block) {
      return refuse("shared_memory",
                    fmt::format("{} needs {} bytes of shared memory: a block has at most {} ({} KiB); smaller tiles or "
                                "fewer num_stages need less",
                                entry.kernel, output.shared_bytes, target_.gpu->shared_per_block,
                                target_.gpu->shared_per_block >> 10),
                    bound.step->target.at);
    }
    if (output.num_ctas != 1) {
      return fail(ErrorKind::unavailable, fmt::format("unavailable: {} asks for {} blocks a program (num_ctas)",
                                                      entry.kernel, output.num_ctas));
    }
    const std::size_t given = entry.parameters.size(), taken = kernel->parameters.size();
    if (taken < given || taken - given > output.scratch.size())
      return fail(ErrorKind::system, fmt::format("the cubin of {} takes {} parameters where {} and {} of Triton's own "
                                                 "were expected",
                                                 entry.kernel, taken, given, output.scratch.size()));
    entry.symbol = output.symbol;
    entry.num_warps = output.num_warps;
    entry.shared_bytes = output.shared_bytes;
    entry.scratch.assign(output.scratch.begin(), output.scratch.begin() + static_cast<std::ptrdiff_t>(taken - given));
    entry.registers = kernel->registers;
    entry.local_bytes = kernel->local_bytes;
    image.inspected["entries"].push_back({{"key", entry.key},
                                          {"kernel", entry.kernel},
                                          {"registers", entry.registers},
                                          {"shared_bytes", entry.shared_bytes},
                                          {"local_bytes", entry.local_bytes},
                                          {"parameters", taken},
                                          {"instructions", instruction_mix(output.ptx)}});
    return {};
  }

  [[nodiscard]] nlohmann::json tell(const TritonLaunch& bound, const TritonEntry& entry,
                                    const nlohmann::json& inspected) const {
    const int threads = warp * entry.num_warps;
    const Occupancy o = occupancy(*target_.gpu, threads, entry.registers, entry.shared_bytes);
    const double at_a_time = static_cast<double>(o.blocks) * target_.gpu->sms;
    double blocks = 1;
    for (const std::int64_t extent : bound.launch.grid) blocks *= static_cast<double>(extent);
    nlohmann::json told = {{"kernel", entry.kernel},
                           {"line", bound.step->target.at.line},
                           {"specialised", entry.key},
                           {"blocks", blocks},
                           {"threads", threads},
                           {"registers", entry.registers},
                           {"shared_bytes", entry.shared_bytes},
                           {"local_bytes", entry.local_bytes},
                           {"blocks_per_sm", o.blocks},
                           {"occupancy", o.fraction},
                           {"limited_by", o.limited_by},
                           {"waves", at_a_time > 0 ? nlohmann::json(blocks / at_a_time) : nlohmann::json()}};
    for (const auto& each : inspected.value("entries", nlohmann::json::array())) {
      if (each.value("key", "") == entry.key) told["instructions"] = each.value("instructions", nlohmann::json());
    }
    return told;
  }

  Target target_;
  int architecture_ = 0;
  std::unique_ptr<TritonWorkers> workers_;
  TritonSources sources_;
  fs::path images_;
  SystemClock clock_;
};

}  // namespace

std::map<std::string, int> instruction_mix(std::string_view ptx) {
  std::map<std::string, int> mix;
  while (!ptx.empty()) {
    const std::size_t end = ptx.find('\n');
    std::string_view line = ptx.substr(0, end);
    ptx = end == ptx.npos ? std::string_view{} : ptx.substr(end + 1);
    const auto skip_blanks = [&] {
      while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    };
    skip_blanks();
    if (line.starts_with('@')) {  // a predicate
      line.remove_prefix(std::min(line.find_first_of(" \t"), line.size()));
      skip_blanks();
    }
    const std::string_view name = line.substr(0, line.find_first_of(" \t;"));
    if (name.empty() || name.front() < 'a' || name.front() > 'z' || line.find(';') == line.npos) continue;
    const std::size_t dot = name.find('.');
    std::string kind(name.substr(0, dot));
    if (kind == "mov" || kind == "ret") continue;
    // Which memory it is stands second.
    if (kind == "ld" || kind == "st" || kind == "atom" || kind == "red" || kind == "cp") {
      const std::string_view rest = dot == name.npos ? std::string_view{} : name.substr(dot + 1);
      const std::string_view space = rest.substr(0, rest.find_first_of(".:"));
      if (space == "param") continue;
      if (!space.empty()) kind += "." + std::string(space);
    }
    ++mix[kind];
  }
  return mix;
}

Result<std::unique_ptr<LanguageBackend>> make_triton_backend(Target target, const TritonOptions& options) {
  fs::path images = options.images ? *options.images : TRY(cache_directory()) / "images";
  std::error_code code;
  fs::create_directories(images, code);
  if (code) {
    return user_error("cannot create " + images.string() + " (" + code.message() +
                      "): set KERF_CACHE to a folder that can be written");
  }
  auto workers = TRY(TritonWorkers::start());
  return std::make_unique<TritonBackend>(std::move(target), std::move(workers), std::move(images));
}

}  // namespace kerf
