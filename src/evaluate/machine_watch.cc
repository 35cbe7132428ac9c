#include "evaluate/machine_watch.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <thread>

namespace kerf {
namespace {

// The kernel's files have no size: read to the end.
std::string slurp(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string first_line(std::string text) {
  text.resize(std::min(text.size(), text.find('\n')));
  return text;
}

// The value of "key : value" in /proc/cpuinfo.
std::string field(const std::string& text, const std::string& key) {
  const auto at = text.find(key);
  if (at == std::string::npos) return "";
  const auto colon = text.find(':', at);
  if (colon == std::string::npos) return "";
  auto value = first_line(text.substr(colon + 1));
  value.erase(0, value.find_first_not_of(" \t"));
  return value;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  while (true) {
    const auto start = line.find_first_not_of(' ');
    if (start == std::string_view::npos) return found;
    line.remove_prefix(start);
    const auto end = std::min(line.find(' '), line.size());
    found.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::int64_t integer(std::string_view word) {
  std::int64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

class LinuxWatch final : public MachineWatch {
 public:
  std::optional<MachineLoad> look() override {
    const auto load = parse_proc_stat(slurp("/proc/stat"));
    return load ? std::optional(*load) : std::nullopt;
  }
  void sleep(std::chrono::microseconds time) override { std::this_thread::sleep_for(time); }
  nlohmann::json describe() override {
    if (fixed_.is_null()) {
      const auto cpu = slurp("/proc/cpuinfo");
      fixed_ = {{"processor", field(cpu, "model name")}, {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)}};
      nlohmann::json caches = nlohmann::json::object();
      for (int i = 0; i < 5; ++i) {
        const std::string at = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
        const auto level = first_line(slurp(at + "level")), type = first_line(slurp(at + "type"));
        if (level.empty() || type == "Instruction") continue;
        caches["L" + level] = first_line(slurp(at + "size"));
      }
      fixed_["caches"] = std::move(caches);
    }
    auto now = fixed_;
    const auto mhz = field(slurp("/proc/cpuinfo"), "cpu MHz");
    if (!mhz.empty()) now["mhz"] = std::strtod(mhz.c_str(), nullptr);
    const auto load = slurp("/proc/loadavg");
    now["load"] = std::strtod(load.c_str(), nullptr);
    return now;
  }

 private:
  nlohmann::json fixed_;
};

}  // namespace

Result<MachineLoad> parse_proc_stat(std::string_view text) {
  MachineLoad load{.running = 0, .cores = 0, .stolen = 0};
  bool found = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    if (line[0] == "cpu") {
      // user nice system idle iowait irq softirq steal guest guest_nice (proc(5))
      found = true;
      if (line.size() > 8) load.stolen = integer(line[8]);
    } else if (line[0].starts_with("cpu")) {
      ++load.cores;
    } else if (line[0] == "procs_running" && line.size() > 1) {
      load.running = static_cast<int>(integer(line[1]));
    }
  }
  if (!found) return fail(ErrorKind::system, "/proc/stat has no cpu line");
  if (load.cores == 0) load.cores = 1;
  return load;
}

std::unique_ptr<MachineWatch> make_machine_watch() { return std::make_unique<LinuxWatch>(); }

namespace {

// Whoever looks is running: it is counted, and it is not company.
bool shares_cores(const MachineLoad& load, int threads) { return load.running - 1 + threads > load.cores; }

}  // namespace

bool is_disturbed(const MachineLoad& load) {
  return load.device && (!load.device->held_back.empty() || load.device->others.value_or(0) > 0);
}

bool is_crowded(const MachineLoad& load, int threads) { return shares_cores(load, threads) || is_disturbed(load); }

double crowding(const MachineLoad& load, int threads) {
  const double cores = static_cast<double>(load.running - 1 + threads) / std::max(1, load.cores);
  const double device = load.device ? 1.0 + load.device->others.value_or(0) : 1.0;
  return std::max({1.0, cores, device});
}

bool has_company(const MachineLoad& before, const MachineLoad& after, int threads) {
  if (after.stolen > before.stolen) return true;
  return shares_cores(before, threads);
}

}  // namespace kerf
