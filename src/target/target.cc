#include "target/target.h"

#include <sched.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/paths.h"
#include "base/text.h"

namespace kerf {

namespace {

template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    visit(text.substr(0, end));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
}

bool worth_knowing(std::string_view flag) {
  static constexpr std::array<std::string_view, 22> known = {
      "sse4_2",   "avx",         "avx2",        "fma",         "f16c",     "avx512f",  "avx512dq", "avx512bw",
      "avx512vl", "avx512_bf16", "avx512_fp16", "avx512_vnni", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8",
      "asimd",    "asimdhp",     "bf16",        "sve",         "sve2",     "i8mm"};
  return std::ranges::find(known, flag) != known.end();
}

std::string file_text(const std::string& path) { return read_file(path).value_or(""); }

int count_cpus(std::string_view list) {  // "0-3,8"
  int count = 0;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view part = trimmed(list.substr(0, comma));
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    int first = 0, last = 0;
    const char* end = part.data() + part.size();
    const auto read = std::from_chars(part.data(), end, first);
    if (read.ec != std::errc()) continue;
    last = first;
    if (read.ptr != end && *read.ptr == '-') std::from_chars(read.ptr + 1, end, last);
    count += std::max(1, last - first + 1);
  }
  return std::max(count, 1);
}

std::vector<CacheLevel> detect_caches() {
  std::vector<CacheLevel> caches;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    if (::access((folder + "size").c_str(), R_OK) != 0) break;
    const std::string type(trimmed(file_text(folder + "type")));
    if (type == "Instruction") continue;
    CacheLevel cache{.level = std::atoi(file_text(folder + "level").c_str()),
                     .kind = type == "Unified" ? "unified" : "data",
                     .bytes = read_size(file_text(folder + "size")),
                     .shared_by = count_cpus(file_text(folder + "shared_cpu_list"))};
    if (const int line = std::atoi(file_text(folder + "coherency_line_size").c_str()); line > 0) cache.line = line;
    if (cache.bytes > 0) caches.push_back(cache);
  }
  return caches;
}

}  // namespace

std::int64_t read_size(std::string_view text) {
  text = trimmed(text);
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || value < 0 || value > (std::int64_t{1} << 31)) return 0;
  if (read.ptr == end) return value;
  if (read.ptr + 1 != end) return 0;
  switch (*read.ptr) {
    case 'K':
      return value << 10;
    case 'M':
      return value << 20;
    case 'G':
      return value << 30;
    default:
      return 0;
  }
}

void read_cpuinfo(std::string_view text, MachineFacts& machine) {
  each_line(text, [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return;
    const std::string_view key = trimmed(line.substr(0, colon));
    std::string_view value = trimmed(line.substr(colon + 1));
    if (key == "model name" && machine.model.empty()) machine.model = value;
    if (key == "cpu MHz") machine.mhz = std::max(machine.mhz, std::strtod(std::string(value).c_str(), nullptr));
    if ((key == "flags" || key == "Features") && machine.isa.empty()) {
      while (!value.empty()) {
        const std::size_t space = value.find(' ');
        if (const std::string_view flag = value.substr(0, space); worth_knowing(flag)) machine.isa.emplace_back(flag);
        value = space == value.npos ? std::string_view{} : value.substr(space + 1);
      }
    }
  });
}

MachineFacts detect_machine() {
  MachineFacts machine;
#if defined(__x86_64__)
  machine.architecture = "x86_64";
#elif defined(__aarch64__)
  machine.architecture = "aarch64";
#endif
  read_cpuinfo(file_text("/proc/cpuinfo"), machine);
  if (machine.model.empty()) machine.model = machine.architecture;
  cpu_set_t set;
  CPU_ZERO(&set);
  machine.cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                                : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  machine.caches = detect_caches();
  machine.memory_bytes = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  return machine;
}

std::string machine_identity(const MachineFacts& machine) {
  Digest digest;
  digest.add(machine.architecture).add(machine.model).add(std::int64_t{machine.cores});
  for (const CacheLevel& cache : machine.caches)
    digest.add(std::int64_t{cache.level}).add(cache.bytes).add(std::int64_t{cache.shared_by});
  for (const std::string& flag : machine.isa) digest.add(flag);
  return digest.hex().substr(0, 16);
}

nlohmann::json to_json(const MachineFacts& machine) {
  nlohmann::json caches = nlohmann::json::array();
  for (const CacheLevel& cache : machine.caches) {
    caches.push_back({{"level", cache.level},
                      {"kind", cache.kind},
                      {"bytes", cache.bytes},
                      {"shared_by", cache.shared_by},
                      {"line", cache.line}});
  }
  return {{"identity", machine_identity(machine)},
          {"architecture", machine.architecture},
          {"model", machine.model},
          {"cores", machine.cores},
          {"caches", caches},
          {"isa", machine.isa},
          {"mhz", machine.mhz > 0 ? nlohmann::json(machine.mhz) : nlohmann::json()},
          {"memory_bytes", machine.memory_bytes}};
}

namespace {

// The table [gpu]: all keys or an error that names the one that is missing or wrong.
Result<GpuLimits> read_gpu(const toml::table& table) {
  GpuLimits gpu;
  std::vector<std::string> known;
  std::string wrong;
  const auto number = [&](const char* key, auto& into) {
    known.emplace_back(key);
    const auto value = table[key].value_exact<std::int64_t>();
    if ((!value || *value < 0 || *value > (std::int64_t{1} << 40)) && wrong.empty()) wrong = key;
    if (value) into = static_cast<std::remove_reference_t<decltype(into)>>(*value);
  };
  known.emplace_back("architecture");
  gpu.architecture = table["architecture"].value_or(std::string());
  if (!gpu.architecture.starts_with("sm_")) wrong = "architecture";
  number("sms", gpu.sms);
  number("threads_per_block", gpu.threads_per_block);
  number("warps_per_sm", gpu.warps_per_sm);
  number("blocks_per_sm", gpu.blocks_per_sm);
  number("registers_per_sm", gpu.registers_per_sm);
  number("registers_per_thread", gpu.registers_per_thread);
  number("shared_per_sm", gpu.shared_per_sm);
  number("shared_per_block", gpu.shared_per_block);
  number("reserved_shared_bytes", gpu.reserved_shared_bytes);
  number("l2_bytes", gpu.l2_bytes);
  number("grid_x", gpu.grid_x);
  number("grid_yz", gpu.grid_yz);
  number("block_xy", gpu.block_xy);
  number("block_z", gpu.block_z);
  if (!wrong.empty()) return user_error("[gpu] " + wrong + " is missing or not what is expected there");
  for (const auto& [key, node] : table) {
    if (std::ranges::find(known, key.str()) == known.end())
      return user_error("the key " + std::string(key.str()) + " of [gpu] is not known");
  }
  return gpu;
}

}  // namespace

Result<Target> parse_target(std::string_view text, const std::string& name) {
  const auto wrong = [&name](const std::string& what) { return user_error("targets/" + name + ".toml: " + what); };
  try {
    const toml::table table = toml::parse(text);
    Target target{.name = name};
    for (const auto& [key, node] : table) {
      const std::string field(key.str());
      const auto strings = [&](std::vector<std::string>& into) {
        const toml::array* array = node.as_array();
        if (array == nullptr) return false;
        for (const auto& item : *array) {
          const auto value = item.value<std::string>();
          if (!value) return false;
          into.push_back(*value);
        }
        return true;
      };
      const auto number = [&](auto& into) {
        const auto value = node.value_exact<std::int64_t>();
        if (!value || *value < 0 || *value > (std::int64_t{1} << 40)) return false;
        into = static_cast<std::remove_reference_t<decltype(into)>>(*value);
        return true;
      };
      bool good = true;
      if (field == "name") {
        good = node.value<std::string>() == name;
      } else if (field == "description") {
        good = node.is_string();
        target.description = node.value_or(std::string());
      } else if (field == "languages") {
        good = strings(target.languages);
      } else if (field == "advice") {
        good = strings(target.advice);
      } else if (field == "vector_bytes") {
        good = number(target.vector_bytes);
      } else if (field == "alignment") {
        good = number(target.alignment);
      } else if (field == "stack_bytes") {
        good = number(target.stack_bytes);
      } else if (field == "gpu") {
        good = node.is_table();
        if (good) {
          auto gpu = read_gpu(*node.as_table());
          if (!gpu) return wrong(gpu.error().message);
          target.gpu = *gpu;
        }
      } else {
        return wrong("the key " + field + " is not known");
      }
      if (!good) return wrong("the value of " + field + " is not what is expected there");
    }
    if (target.languages.empty()) return wrong("languages is missing: name at least one");
    return target;
  } catch (const toml::parse_error& error) {
    return wrong(std::string(error.description()) + " in line " + std::to_string(error.source().begin.line));
  }
}

Result<Target> load_target(const std::string& name) {
  if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != name.npos) {
    return user_error("\"" + name + "\" is no target's name: try cpu or nvidia");
  }
  const auto path = shipped("targets/" + name + ".toml");
  if (!path) return user_error("there is no target " + name + ": try cpu or nvidia");
  return parse_target(TRY(read_file(*path)), name);
}

nlohmann::json to_json(const Target& target) {
  nlohmann::json json = {{"name", target.name},           {"description", target.description},
                         {"languages", target.languages}, {"vector_bytes", target.vector_bytes},
                         {"alignment", target.alignment}, {"stack_bytes", target.stack_bytes},
                         {"advice", target.advice}};
  if (target.gpu) {
    const GpuLimits& g = *target.gpu;
    json["gpu"] = {{"architecture", g.architecture},
                   {"sms", g.sms},
                   {"threads_per_block", g.threads_per_block},
                   {"warps_per_sm", g.warps_per_sm},
                   {"blocks_per_sm", g.blocks_per_sm},
                   {"registers_per_sm", g.registers_per_sm},
                   {"registers_per_thread", g.registers_per_thread},
                   {"shared_per_sm", g.shared_per_sm},
                   {"shared_per_block", g.shared_per_block},
                   {"reserved_shared_bytes", g.reserved_shared_bytes},
                   {"l2_bytes", g.l2_bytes}};
  }
  return json;
}

}  // namespace kerf
