#include "runner/launch_watch.h"

#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "runner/executor.h"
#include "runner/guarded_memory.h"
#include "runner/line_watch.h"

namespace kerf {

namespace {

constexpr int pairs = 3;                                         // of parallel runs: lines shared, lines apart
constexpr std::size_t room_for_copies = std::size_t{512} << 20;  // bytes, of all threads
constexpr std::size_t room_for_lines = std::size_t{4} << 20;     // bytes that are compared after each chunk

double clock_us(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

// Memory that the launch may write.
struct Region {
  std::span<std::byte> memory;
  std::size_t argument = 0;  // the first
};

// Tensors that overlap become one region.
std::vector<Region> written_regions(const LaunchToWatch& launch) {
  std::vector<Region> regions;
  for (const LaunchTensor& t : launch.tensors)
    if (t.writable && !t.memory.empty()) regions.push_back({.memory = t.memory, .argument = t.argument});
  std::ranges::stable_sort(regions, {}, [](const Region& r) { return r.memory.data(); });
  std::vector<Region> merged;
  for (const Region& r : regions) {
    std::byte* const end = r.memory.data() + r.memory.size();
    if (!merged.empty() && r.memory.data() < merged.back().memory.data() + merged.back().memory.size()) {
      Region& last = merged.back();
      std::byte* const low = last.memory.data();
      last.memory = {low, std::max(low + last.memory.size(), end)};
    } else {
      merged.push_back(r);
    }
  }
  return merged;
}

// What one thread writes to instead: a copy of each region, at the same place in its page.
class Copies {
 public:
  static Result<Copies> create(const std::vector<Region>& regions, Random& random) {
    Copies copies;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const Region& r : regions) {
      const std::size_t skip = reinterpret_cast<std::uintptr_t>(r.memory.data()) % page;
      copies.memory_.push_back(TRY(GuardedMemory::scratch(skip + r.memory.size(), false, random)));
      copies.at_.push_back(copies.memory_.back().data() + skip);
    }
    return copies;
  }

  void restore(const std::vector<Region>& regions) const {
    for (std::size_t i = 0; i < regions.size(); ++i)
      std::memcpy(at_[i], regions[i].memory.data(), regions[i].memory.size());
  }

  // Where `address` is here; itself if it is in no region.
  [[nodiscard]] std::uint64_t here(const std::vector<Region>& regions, std::uint64_t address) const {
    for (std::size_t i = 0; i < regions.size(); ++i) {
      const auto low = reinterpret_cast<std::uintptr_t>(regions[i].memory.data());
      if (address >= low && address < low + regions[i].memory.size())
        return reinterpret_cast<std::uintptr_t>(at_[i]) + (address - low);
    }
    return address;
  }

  [[nodiscard]] std::vector<std::span<const std::byte>> spans(const std::vector<Region>& regions) const {
    std::vector<std::span<const std::byte>> spans;
    for (std::size_t i = 0; i < regions.size(); ++i) spans.emplace_back(at_[i], regions[i].memory.size());
    return spans;
  }

 private:
  std::vector<GuardedMemory> memory_;
  std::vector<std::byte*> at_;
};

// The launch with arguments of its own, a row of them a thread, and a clock a thread.
class WatchedRun {
 public:
  WatchedRun(const WatchTools& tools, const LaunchToWatch& launch)
      : tools_(tools),
        launch_(launch),
        values_(launch.values.begin(), launch.values.end()),
        clocks_(static_cast<std::size_t>(tools.threads)) {
    for (std::uint64_t& value : values_) pointers_.push_back(&value);
  }

  void point(std::size_t thread, const std::vector<Region>& regions, const Copies& copies) {
    for (const LaunchTensor& t : launch_.tensors) {
      const std::size_t i = thread * launch_.arguments + t.argument;
      values_[i] = copies.here(regions, launch_.values[i]);
    }
  }

  // All tasks, dealt out as in any run.
  void together(std::int64_t chunk) {
    for (Clock& c : clocks_) c.us = 0;
    tools_.page.phase.store(StatusPage::Phase::launch, std::memory_order_relaxed);
    tools_.bridge.parallel(
        tools_.threads, launch_.tasks, chunk,
        [](void* self, std::int64_t begin, std::int64_t end, int thread) {
          auto& run = *static_cast<WatchedRun*>(self);
          run.clocks_[static_cast<std::size_t>(thread)].us += run.timed(begin, end, static_cast<std::size_t>(thread));
        },
        this);
    tools_.page.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
  }

  // Some tasks on this thread, as if it were `thread`.
  double alone(std::int64_t begin, std::int64_t end, std::size_t thread) {
    tools_.page.phase.store(StatusPage::Phase::launch, std::memory_order_relaxed);
    const double us = timed(begin, end, thread);
    tools_.page.phase.store(StatusPage::Phase::ours, std::memory_order_relaxed);
    return us;
  }

  [[nodiscard]] double all_us() const {
    double sum = 0;
    for (const Clock& c : clocks_) sum += c.us;
    return sum;
  }
  [[nodiscard]] double busiest_us() const { return std::ranges::max(clocks_, {}, &Clock::us).us; }

 private:
  struct alignas(LineWatch::line_bytes) Clock {
    double us = 0;
  };

  double timed(std::int64_t begin, std::int64_t end, std::size_t thread) {
    const double before = clock_us(CLOCK_THREAD_CPUTIME_ID);
    launch_.kernel.run(pointers_.data() + thread * launch_.arguments, static_cast<std::int64_t>(launch_.arguments),
                       launch_.grid.data(), std::ssize(launch_.grid), begin, end);
    return clock_us(CLOCK_THREAD_CPUTIME_ID) - before;
  }

  const WatchTools& tools_;
  const LaunchToWatch& launch_;
  std::vector<std::uint64_t> values_;
  std::vector<void*> pointers_;
  std::vector<Clock> clocks_;
};

}  // namespace

Result<> watch_launch(const WatchTools& tools, const LaunchToWatch& launch, StepWatch& seen) {
  const std::vector<Region> regions = written_regions(launch);
  std::size_t bytes = 0;
  for (const Region& r : regions) bytes += r.memory.size();
  const auto threads = static_cast<std::size_t>(tools.threads);
  const std::int64_t chunk = chunk_of(launch.tasks, tools.threads);
  if (bytes > room_for_copies) {
    seen.no_lines = fmt::format("{} MB that it may write are more than are copied", bytes >> 20);
    return {};
  }
  const bool apart = threads > 1 && launch.tasks > chunk && bytes * threads <= room_for_copies;
  if (!apart && threads > 1 && launch.tasks > chunk)
    seen.no_lines = fmt::format("{} MB for each of {} threads are more than are copied", bytes >> 20, threads);
  std::vector<Copies> copies;
  for (std::size_t t = 0; t < (apart ? threads : 1); ++t) copies.push_back(TRY(Copies::create(regions, tools.random)));
  seen.tasks = launch.tasks;
  WatchedRun shared(tools, launch), own(tools, launch);
  for (std::size_t t = 0; t < threads; ++t) {
    shared.point(t, regions, copies.front());
    own.point(t, regions, copies[apart ? t : 0]);
  }
  for (int pair = 0; pair < pairs; ++pair) {
    copies.front().restore(regions);
    TRY(tools.flush_caches());
    shared.together(chunk);
    seen.busiest_us.push_back(shared.busiest_us());
    seen.all_us.push_back(shared.all_us());
    if (!apart) continue;
    for (const Copies& c : copies) c.restore(regions);
    TRY(tools.flush_caches());
    own.together(chunk);
    seen.apart_us.push_back(own.all_us());
  }
  const auto each_alone = [&](auto after) {
    copies.front().restore(regions);
    std::size_t i = 0;
    for (std::int64_t begin = 0; begin < launch.tasks; begin += chunk, ++i)
      after(i, shared.alone(begin, std::min(launch.tasks, begin + chunk), i % threads));
  };
  each_alone([&](std::size_t, double us) { seen.chunk_us.push_back(us); });
  copies.front().restore(regions);  // before it is looked at, too
  LineWatch watch(copies.front().spans(regions), room_for_lines, tools.threads, tools.random);
  each_alone([&](std::size_t i, double us) {
    seen.chunk_us[i] = std::min(seen.chunk_us[i], us);
    watch.note_chunk();
  });
  seen.lines = watch.found();
  if (seen.lines.argument >= 0)
    seen.lines.argument = static_cast<int>(regions[static_cast<std::size_t>(seen.lines.argument)].argument);
  return {};
}

int nodes_of_threads(const WatchTools& tools) {
  std::atomic<std::uint64_t> nodes = 0;
  tools.bridge.parallel(
      tools.threads, tools.threads, 1,
      [](void* seen, std::int64_t, std::int64_t, int) {
        unsigned cpu = 0, node = 0;
        if (::getcpu(&cpu, &node) == 0) static_cast<std::atomic<std::uint64_t>*>(seen)->fetch_or(1ULL << (node % 64));
      },
      &nodes);
  return std::popcount(nodes.load());
}

Result<double> page_fault_us() {
  constexpr std::size_t pages = 256;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const at = ::mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return system_error("no memory to time page faults in", errno);
  ::madvise(at, pages * page, MADV_NOHUGEPAGE);
  auto* const bytes = static_cast<volatile std::byte*>(at);
  const double before = clock_us(CLOCK_MONOTONIC);
  for (std::size_t i = 0; i < pages; ++i) bytes[i * page] = std::byte{1};
  const double us = (clock_us(CLOCK_MONOTONIC) - before) / pages;
  ::munmap(at, pages * page);
  return us;
}

}  // namespace kerf
