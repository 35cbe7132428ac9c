#include "target/cpu/roofline.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/clock.h"
#include "base/paths.h"
#include "problem/json_fields.h"
#include "target/cpu/roofline_kernels.h"

namespace kerf {

using json = nlohmann::json;

namespace {

using SteadyClock = std::chrono::steady_clock;

struct FreeMemory {
  void operator()(float* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<float, FreeMemory>;

// `bytes` are rounded up to 4 KiB; pages are touched.
Buffer make_buffer(std::size_t bytes) {
  bytes = (bytes + 4095) / 4096 * 4096;
  Buffer buffer(static_cast<float*>(std::aligned_alloc(4096, bytes)));
  if (buffer) std::fill_n(buffer.get(), bytes / sizeof(float), 1.0F);
  return buffer;
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) cores.push_back(i);
  }
  return cores;
}

// Pinned threads that run the same function together; a repetition's time is from when all are ready until the last is
// done.
class Team {
 public:
  explicit Team(int threads) : threads_(threads) {}

  // Seconds of each repetition.
  template <class F>
  std::vector<double> run(int repetitions, const F& work) {
    std::vector<double> times;
    std::atomic<int> arrived = 0, left = 0;
    const std::vector<int> cores = allowed_cores();
    const auto meet = [this](std::atomic<int>& count, int target) {
      ++count;
      while (count.load(std::memory_order_acquire) < target * threads_) {
      }
    };
    const auto body = [&](int index) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(cores[static_cast<std::size_t>(index) % cores.size()], &set);
      ::sched_setaffinity(0, sizeof set, &set);
      for (int r = 1; r <= repetitions; ++r) {
        meet(arrived, r);
        const auto start = SteadyClock::now();
        work(index);
        meet(left, r);
        if (index == 0) times.push_back(std::chrono::duration<double>(SteadyClock::now() - start).count());
      }
    };
    std::vector<std::jthread> others;
    for (int i = 0; i < threads_; ++i) others.emplace_back(body, i);
    others.clear();
    return times;
  }

 private:
  int threads_;
};

Rate rate_of(double amount, std::vector<double> seconds) {
  std::ranges::sort(seconds);
  if (seconds.empty() || seconds.front() <= 0) return {};
  return {.best = amount / seconds.front() * 1e-9, .median = amount / seconds[seconds.size() / 2] * 1e-9};
}

// One instance of a level's data cache, or what most machines have.
std::int64_t cache_bytes(const MachineFacts& machine, int level) {
  for (const CacheLevel& cache : machine.caches) {
    if (cache.level == level && cache.kind != "instruction") return cache.bytes;
  }
  return level == 1 ? 32 << 10 : level == 2 ? 1 << 20 : 32 << 20;
}

// Kept out of registers' reach: what a benchmark computes must be needed.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "m"(value) : "memory");
}

Result<LevelBandwidth> measure_level(const std::string& name, std::size_t bytes_each, int threads) {
  const RooflineKernels& k = roofline_kernels();
  const std::size_t n = std::max<std::size_t>(bytes_each / sizeof(float) / 1024 * 1024, 1024);
  // Halves for copying: the working set stays the same.
  std::vector<Buffer> buffers;
  for (int i = 0; i < threads; ++i) {
    buffers.push_back(make_buffer(n * sizeof(float)));
    if (!buffers.back()) return fail(ErrorKind::system, "not enough memory to measure the bandwidth of memory");
  }
  const double set = static_cast<double>(n) * sizeof(float) * threads;
  const int inner = static_cast<int>(std::max(1.0, 64e6 / set));  // at least a few milliseconds a repetition
  const int repetitions = set > 64e6 ? 15 : 25;
  Team team(threads);
  const auto measure = [&](const auto& once) {
    return rate_of(set * inner, team.run(repetitions, [&](int index) {
      for (int i = 0; i < inner; ++i) once(buffers[static_cast<std::size_t>(index)].get());
    }));
  };
  LevelBandwidth level;
  level.level = name;
  level.working_set = static_cast<std::int64_t>(set);
  level.read = measure([&](float* p) { keep(k.read(p, n)); });
  level.write = measure([&](float* p) { k.write(p, n); });
  level.copy = measure([&](float* p) { k.copy(p, p + n / 2, n / 2); });
  if (name == "memory") level.stream_write = measure([&](float* p) { k.stream_write(p, n); });
  return level;
}

Rate measure_fma(double (*kernel)(std::int64_t), double operations, int threads) {
  constexpr std::int64_t rounds = 400'000;
  Team team(threads);
  return rate_of(operations * static_cast<double>(rounds) * threads, team.run(25, [&](int) { keep(kernel(rounds)); }));
}

double timer_cost_ns() {
  constexpr int n = 20'000;
  const auto start = SteadyClock::now();
  for (int i = 0; i < n; ++i) keep(SteadyClock::now());
  return std::chrono::duration<double, std::nano>(SteadyClock::now() - start).count() / n;
}

json to_json(const Rate& rate) { return {{"best", rate.best}, {"median", rate.median}}; }
Rate rate_from_json(const json& j) {
  return {.best = j.at("best").get<double>(), .median = j.at("median").get<double>()};
}

Result<std::filesystem::path> file_of(const std::string& machine) {
  std::error_code code;
  const auto folder = TRY(data_directory()) / "calibration";
  std::filesystem::create_directories(folder, code);
  if (code) return user_error("cannot create " + folder.string() + " (" + code.message() + ")");
  return folder / (machine + ".json");
}

}  // namespace

double Roofline::memory_bandwidth() const {
  for (const LevelBandwidth& l : levels) {
    if (l.level == "memory") return std::max({l.read.best, l.write.best, l.copy.best, l.stream_write.best});
  }
  return 0;
}

Result<Roofline> measure_roofline(const MachineFacts& machine, const std::function<void(std::string_view)>& progress) {
  const int threads = machine.cores;
  Roofline roofline;
  roofline.threads = threads;
  roofline.machine = machine_identity(machine);
  roofline.isa = roofline_kernels().isa;
  const auto each = [threads](std::int64_t bytes) { return static_cast<std::size_t>(bytes / threads); };
  progress("arithmetic");
  const RooflineKernels& k = roofline_kernels();
  roofline.f32_core = measure_fma(k.fma_f32, k.f32_operations_a_round, 1);
  roofline.f32_all = measure_fma(k.fma_f32, k.f32_operations_a_round, threads);
  roofline.f64_core = measure_fma(k.fma_f64, k.f64_operations_a_round, 1);
  roofline.f64_all = measure_fma(k.fma_f64, k.f64_operations_a_round, threads);
  progress("caches");
  roofline.levels.push_back(TRY(measure_level("L1", static_cast<std::size_t>(cache_bytes(machine, 1)) / 2, threads)));
  roofline.levels.push_back(TRY(measure_level("L2", static_cast<std::size_t>(cache_bytes(machine, 2)) / 2, threads)));
  roofline.levels.push_back(TRY(measure_level("L3", each(cache_bytes(machine, 3) / 2), threads)));
  progress("memory");
  const std::int64_t large = std::clamp<std::int64_t>(4 * cache_bytes(machine, 3), 64 << 20, 512 << 20);
  roofline.levels.push_back(TRY(measure_level("memory", each(large), threads)));
  progress("barriers and clocks");
  Team team(threads);
  std::vector<double> meetings = team.run(2000, [](int) {});
  std::ranges::sort(meetings);
  roofline.barrier_us = meetings[meetings.size() / 2] * 1e6;
  roofline.timer_ns = timer_cost_ns();
  roofline.measured_unix_ms = SystemClock().unix_ms();
  return roofline;
}

nlohmann::json to_json(const Roofline& roofline) {
  json levels = json::array();
  for (const LevelBandwidth& l : roofline.levels) {
    levels.push_back({{"level", l.level},
                      {"working_set", l.working_set},
                      {"read_gbs", to_json(l.read)},
                      {"write_gbs", to_json(l.write)},
                      {"copy_gbs", to_json(l.copy)},
                      {"stream_write_gbs", to_json(l.stream_write)}});
  }
  return {{"schema", Roofline::schema},
          {"machine", roofline.machine},
          {"isa", roofline.isa},
          {"threads", roofline.threads},
          {"levels", std::move(levels)},
          {"f32_core_gflops", to_json(roofline.f32_core)},
          {"f32_all_gflops", to_json(roofline.f32_all)},
          {"f64_core_gflops", to_json(roofline.f64_core)},
          {"f64_all_gflops", to_json(roofline.f64_all)},
          {"barrier_us", roofline.barrier_us},
          {"timer_ns", roofline.timer_ns},
          {"measured_unix_ms", roofline.measured_unix_ms}};
}

Result<Roofline> roofline_from_json(const nlohmann::json& j) {
  try {
    if (j.at("schema").get<int>() != Roofline::schema)
      return user_error("the calibration is of another version: run kerf doctor --calibrate");
    Roofline r;
    j.at("machine").get_to(r.machine);
    j.at("isa").get_to(r.isa);
    j.at("threads").get_to(r.threads);
    for (const json& l : j.at("levels")) {
      r.levels.push_back({.level = l.at("level").get<std::string>(),
                          .working_set = l.at("working_set").get<std::int64_t>(),
                          .read = rate_from_json(l.at("read_gbs")),
                          .write = rate_from_json(l.at("write_gbs")),
                          .copy = rate_from_json(l.at("copy_gbs")),
                          .stream_write = rate_from_json(l.at("stream_write_gbs"))});
    }
    r.f32_core = rate_from_json(j.at("f32_core_gflops"));
    r.f32_all = rate_from_json(j.at("f32_all_gflops"));
    r.f64_core = rate_from_json(j.at("f64_core_gflops"));
    r.f64_all = rate_from_json(j.at("f64_all_gflops"));
    j.at("barrier_us").get_to(r.barrier_us);
    j.at("timer_ns").get_to(r.timer_ns);
    j.at("measured_unix_ms").get_to(r.measured_unix_ms);
    return r;
  } catch (const json::exception& e) {
    return user_error(std::string("the calibration cannot be read (") + e.what() + "): run kerf doctor --calibrate");
  }
}

Result<> save_roofline(const Roofline& roofline) {
  return write_file(TRY(file_of(roofline.machine)), to_json(roofline).dump(2) + "\n");
}

Result<std::optional<Roofline>> load_roofline(const MachineFacts& machine) {
  const auto path = TRY(file_of(machine_identity(machine)));
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::nullopt;
  return roofline_from_json(read_json(TRY(read_file(path))));
}

}  // namespace kerf
