#include "app/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/clock.h"
#include "base/jail.h"
#include "base/paths.h"
#include "base/process.h"
#include "evaluate/gpu_watch.h"
#include "evaluate/machine_watch.h"
#include "target/cpu/roofline.h"
#include "target/nvidia/nvrtc.h"
#include "target/nvidia/triton_worker.h"
#include "target/target.h"
#include "target/toolchain.h"

namespace kerf {

namespace {

constexpr const char* to_words(Health health) {
  switch (health) {
    case Health::good:
      return "ok";
    case Health::degraded:
      return "note";
    case Health::missing:
      return "missing";
  }
  return "?";
}

Checkup compilers() {
  const std::vector<Compiler> found = find_compilers();
  if (found.empty()) {
    return {.name = "compiler",
            .health = Health::missing,
            .found = "no g++ 12 or newer, no clang 16 or newer",
            .remedy = "apt-get install g++",
            .needed_for = "compiling candidates"};
  }
  std::vector<std::string> words;
  for (const Compiler& compiler : found) words.push_back(fmt::format("{} ({})", compiler.version, compiler.path));
  return {.name = "compiler",
          .health = Health::good,
          .found = fmt::format("{}", fmt::join(words, ", ")),
          .remedy = {},
          .needed_for = {}};
}

std::vector<Checkup> python_and_torch() {
  const std::string path = python();
  const auto version = run({.argv = {path, "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"},
                            .environment = clean_environment()},
                           std::chrono::seconds(20));
  if (!version || !version->ok()) {
    return {
        {.name = "python",
         .health = Health::missing,
         .found = fmt::format("{} does not run ({})", path, version ? version->describe() : version.error().message),
         .remedy = "apt-get install python3 python3-venv, then make build; or set KERF_PYTHON",
         .needed_for = "reading problems"}};
  }
  std::vector<Checkup> findings{
      {.name = "python",
       .health = Health::good,
       .found = fmt::format("{} ({})", one_line(version->output.substr(0, version->output.find('\n'))), path),
       .remedy = {},
       .needed_for = {}}};
  const auto torch = run({.argv = {path, "-c", "import torch; print(torch.__version__, torch.get_num_threads())"},
                          .environment = clean_environment()},
                         std::chrono::seconds(60));
  if (!torch || !torch->ok()) {
    findings.push_back({.name = "torch",
                        .health = Health::missing,
                        .found = fmt::format("{} cannot import torch", path),
                        .remedy = fmt::format(
                            "{} -m pip install -r requirements.txt; or set KERF_PYTHON to a Python that has it", path),
                        .needed_for = "the reference, the baselines and library calls"});
  } else {
    const std::string text = torch->output.substr(0, torch->output.find('\n'));
    findings.push_back({.name = "torch",
                        .health = Health::good,
                        .found = one_line(text.substr(0, text.find(' '))),
                        .remedy = {},
                        .needed_for = {}});
  }
  return findings;
}

// What receipts can say of the first GPU.
Checkup gpu_state() {
  Checkup checkup{.name = "gpu state",
                  .health = Health::degraded,
                  .found = {},
                  .remedy = "libnvidia-ml.so.1, which comes with the driver",
                  .needed_for = "noticing throttling and other processes while a GPU is timed"};
  const auto gauge = make_nvml_gauge("");
  if (!gauge) {
    checkup.found = gauge.error().message;
    return checkup;
  }
  const GpuState state = (*gauge)->read();
  std::string missing;
  const auto look = [&](bool there, const char* what) {
    if (!there) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what);
  };
  look(state.sm_mhz && state.memory_mhz, "clocks");
  look(state.held_back.has_value(), "what holds them back");
  look(state.milliwatts.has_value(), "power");
  look(state.celsius.has_value(), "temperature");
  look(state.processes.has_value(), "processes");
  checkup.found = to_json(state).dump();
  if (missing.empty()) {
    checkup.health = Health::good;
    checkup.remedy = {};
  } else {
    checkup.found += "; unavailable: " + missing;
    checkup.remedy = "the driver does not tell: receipts will not";
  }
  return checkup;
}

// What target nvidia has here. Nothing of it is needed by the others.
std::vector<Checkup> nvidia() {
  std::vector<Checkup> findings;
  const auto nvrtc = find_nvrtc();
  findings.push_back({.name = "nvrtc",
                      .health = nvrtc ? Health::good : Health::degraded,
                      .found = nvrtc ? nvrtc->string() : "not found",
                      .remedy = nvrtc ? "" : fmt::format("{} -m pip install 'nvidia-cuda-nvrtc==13.0.*'", python()),
                      .needed_for = "compiling CUDA C++ (--target nvidia), with or without a GPU"});
  const auto triton = TritonWorkers::start();
  findings.push_back(
      {.name = "triton",
       .health = triton ? Health::good : Health::degraded,
       .found = triton ? (*triton)->version() : one_line(triton.error().message),
       .remedy = triton ? "" : fmt::format("{} -m pip install triton==3.9.0", python()),
       .needed_for = "compiling Triton and Gluon (--target nvidia), and interpreting Triton without a GPU"});
  findings.push_back({.name = "nvcc",
                      .health = Health::good,
                      .found = find_program("nvcc").value_or("not found; nothing needs it, NVRTC compiles"),
                      .remedy = {},
                      .needed_for = {}});
  std::error_code code;
  const bool driver = std::filesystem::exists("/proc/driver/nvidia/version", code);
  const bool device = std::filesystem::exists("/dev/nvidia0", code);
  findings.push_back(
      {.name = "nvidia",
       .health = driver && device ? Health::good : Health::degraded,
       .found = device   ? "a GPU is there: candidates for target nvidia are judged and timed on it"
                : driver ? "the driver is there, no GPU is (/dev/nvidia0)"
                         : "no driver, no GPU: CUDA candidates are judged in an emulation on the CPU, without times",
       .remedy = driver && device ? "" : "a machine with an NVIDIA GPU and its driver",
       .needed_for = "times of CUDA and Triton candidates"});
  if (device) findings.push_back(gpu_state());
  return findings;
}

Checkup own_files() {
  std::vector<std::string> missing;
  for (const char* file : {"oracle/kerf_oracle/__main__.py", "targets/cpu.toml"}) {
    if (!shipped(file)) missing.emplace_back(file);
  }
  if (!runner_binary()) missing.emplace_back("kerf-runner");
  if (missing.empty())
    return {.name = "installation", .health = Health::good, .found = "complete", .remedy = {}, .needed_for = {}};
  return {.name = "installation",
          .health = Health::missing,
          .found = fmt::format("not found: {}", fmt::join(missing, ", ")),
          .remedy = "make install, or set KERF_SHARE to the folder that holds oracle/ and targets/",
          .needed_for = "everything"};
}

std::vector<Checkup> jail_layers() {
  const auto layers = isolation();
  if (!layers) {
    return {{.name = "jail",
             .health = Health::missing,
             .found = layers.error().message,
             .remedy = "kerf refuses to run candidates without it",
             .needed_for = "running candidates"}};
  }
  std::vector<std::string> held, lacking;
  for (const std::string& layer : *layers) {
    if (layer.starts_with("unavailable: "))
      lacking.push_back(layer.substr(13));
    else
      held.push_back(layer);
  }
  std::vector<Checkup> findings{{.name = "jail",
                                 .health = held.empty() ? Health::missing : Health::good,
                                 .found = fmt::format("{}", fmt::join(held, ", ")),
                                 .remedy = {},
                                 .needed_for = {}}};
  if (!lacking.empty()) {
    findings.push_back(
        {.name = "jail",
         .health = Health::degraded,
         .found = fmt::format("this machine does not grant: {}", fmt::join(lacking, ", ")),
         .remedy =
             "candidates are held by the other layers; in a container, allow unprivileged user namespaces for more",
         .needed_for = "isolation of candidates"});
  }
  return findings;
}

Checkup store_health(const std::string& asked) {
  const auto path = store_path(asked);
  if (!path)
    return {.name = "store",
            .health = Health::missing,
            .found = path.error().message,
            .remedy = "set KERF_HOME, or pass --store",
            .needed_for = "keeping sessions"};
  const SystemClock clock;
  const auto store = open_store(*path, clock);
  if (!store)
    return {.name = "store",
            .health = Health::missing,
            .found = store.error().message,
            .remedy = "set KERF_HOME, or pass --store",
            .needed_for = "keeping sessions"};
  std::error_code code;
  const auto space = std::filesystem::space(
      std::filesystem::path(*path).parent_path().empty() ? "." : std::filesystem::path(*path).parent_path(), code);
  constexpr std::uintmax_t little = std::uintmax_t{256} << 20;
  const std::string free = code ? "" : fmt::format(", {} free", bytes_words(static_cast<double>(space.available)));
  if (!code && space.available < little)
    return {.name = "store",
            .health = Health::degraded,
            .found = *path + free,
            .remedy = "make room: sessions end when the disk is full",
            .needed_for = "keeping sessions"};
  return {.name = "store", .health = Health::good, .found = *path + free, .remedy = {}, .needed_for = {}};
}

std::vector<Checkup> machine_facts() {
  const MachineFacts machine = detect_machine();
  std::vector<Checkup> findings;
  findings.push_back({.name = "cores",
                      .health = Health::good,
                      .found = fmt::format("{} of {}, {}", usable_cores(),
                                           machine.model.empty() ? machine.architecture : machine.model,
                                           bytes_words(static_cast<double>(machine.memory_bytes))),
                      .remedy = {},
                      .needed_for = {}});
  const auto roofline = load_roofline(machine);
  if (!roofline || !*roofline) {
    findings.push_back({.name = "calibration",
                        .health = Health::degraded,
                        .found = roofline ? "this machine was not measured" : roofline.error().message,
                        .remedy = "kerf doctor --calibrate, on an idle machine",
                        .needed_for = "the speed of light, and what bounds a kernel"});
  } else {
    findings.push_back(
        {.name = "calibration",
         .health = Health::good,
         .found = fmt::format("{:.1f} GB/s, {:.0f} GFLOP/s in f32, measured {}", (*roofline)->memory_bandwidth(),
                              (*roofline)->f32_all.best, iso_time((*roofline)->measured_unix_ms)),
         .remedy = {},
         .needed_for = {}});
  }
  const auto watch = make_machine_watch();
  if (const auto load = watch->look(); !load) {
    findings.push_back({.name = "company",
                        .health = Health::degraded,
                        .found = "/proc/stat does not tell",
                        .remedy = "times may suffer from other programs unnoticed",
                        .needed_for = "sure times"});
  } else if (is_crowded(*load, usable_cores())) {
    findings.push_back(
        {.name = "company",
         .health = Health::degraded,
         .found = fmt::format("{} on {}", count_words(load->running, "busy thread"), count_words(load->cores, "core")),
         .remedy = "times are best taken on an idle machine; kerf waits and repeats, which takes longer",
         .needed_for = "sure times"});
  } else {
    findings.push_back(
        {.name = "company", .health = Health::good, .found = "the machine is idle", .remedy = {}, .needed_for = {}});
  }
  return findings;
}

Checkup processor_model() {
  for (const char* name : {"llvm-mca-19", "llvm-mca"}) {
    if (const auto path = find_program(name))
      return {.name = "processor model", .health = Health::good, .found = *path, .remedy = {}, .needed_for = {}};
  }
  return {.name = "processor model",
          .health = Health::degraded,
          .found = "no llvm-mca",
          .remedy = "apt-get install llvm-19",
          .needed_for = "saying why inner loops of C++ kernels take the cycles that they take"};
}

Result<Roofline> calibrate(bool quiet) {
  const Roofline roofline = TRY(measure_roofline(detect_machine(), [&](std::string_view what) {
    if (!quiet) print_error(fmt::format("measuring {}\n", what));
  }));
  TRY(save_roofline(roofline));
  return roofline;
}

}  // namespace

std::vector<Checkup> examine(const DoctorSettings& settings) {
  std::vector<Checkup> findings{own_files(), compilers(), processor_model()};
  for (Checkup& finding : python_and_torch()) findings.push_back(std::move(finding));
  for (Checkup& finding : jail_layers()) findings.push_back(std::move(finding));
  for (Checkup& finding : nvidia()) findings.push_back(std::move(finding));
  findings.push_back(store_health(settings.store));
  for (Checkup& finding : machine_facts()) findings.push_back(std::move(finding));
  return findings;
}

bool healthy(const std::vector<Checkup>& findings) {
  for (const Checkup& finding : findings) {
    if (finding.health == Health::missing) return false;
  }
  return true;
}

std::string doctor_text(const std::vector<Checkup>& findings) {
  std::vector<std::vector<std::string>> rows;
  for (const Checkup& finding : findings) {
    rows.push_back({to_words(finding.health), finding.name, one_line(finding.found)});
    if (!finding.remedy.empty()) {
      rows.push_back(
          {"", "",
           fmt::format("-> {}{}", finding.remedy,
                       finding.needed_for.empty() ? "" : fmt::format(" (needed for {})", finding.needed_for))});
    }
  }
  return table(rows) + (healthy(findings) ? "\nkerf optimize can work here.\n"
                                          : "\nkerf optimize cannot work here yet: see what is missing above.\n");
}

nlohmann::json doctor_json(const std::vector<Checkup>& findings) {
  nlohmann::json json = {
      {"schema", 1}, {"kerf", kerf_version}, {"healthy", healthy(findings)}, {"findings", nlohmann::json::array()}};
  for (const Checkup& finding : findings) {
    json["findings"].push_back({{"name", finding.name},
                                {"health", to_words(finding.health)},
                                {"found", finding.found},
                                {"remedy", finding.remedy},
                                {"needed_for", finding.needed_for}});
  }
  return json;
}

Result<int> doctor(const DoctorOptions& options) {
  std::optional<Roofline> measured;
  if (options.calibrate) measured = TRY(calibrate(options.common.json));
  const std::vector<Checkup> findings = examine({.store = options.common.store});
  if (options.common.json) {
    nlohmann::json json = doctor_json(findings);
    if (measured) json["calibration"] = to_json(*measured);
    TRY(print(json.dump(2) + "\n"));
  } else {
    TRY(print(doctor_text(findings)));
  }
  return healthy(findings) ? exit_success : exit_user;
}

}  // namespace kerf
