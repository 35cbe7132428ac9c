#include "app/judging_parts.h"

#include <algorithm>
#include <string>

#include "target/cpu/cpp.h"
#include "target/nvidia/cuda.h"
#include "target/nvidia/triton.h"

namespace kerf {

Result<std::vector<std::shared_ptr<CudaRunner>>> gpus_at_hand(const std::vector<int>& devices) {
  std::vector<std::shared_ptr<CudaRunner>> found;
  for (const int device : devices) found.push_back(TRY(make_cuda_runner({.device = device})));
  if (!devices.empty()) return found;
  auto first = make_cuda_runner();
  if (!first && first.error().kind == ErrorKind::unavailable) return found;
  found.push_back(TRY(std::move(first)));
  return found;
}

void add_languages(const Target& target, const std::shared_ptr<Runner>& runner, bool on_gpu, Languages& languages) {
  for (const std::string& name : target.languages) {
    const auto language = language_from(name);
    if (language == Language::cpp) {
      languages.add(Language::cpp, [runner]() -> Result<LanguageTools> {
        return LanguageTools{.backend = TRY(make_cpp_backend()), .runner = runner};
      });
    } else if (language == Language::cuda) {
      languages.add(Language::cuda, [target, runner, on_gpu]() -> Result<LanguageTools> {
        return LanguageTools{.backend = TRY(make_cuda_backend(target, {.emulate = !on_gpu})), .runner = runner};
      });
    } else if (language == Language::triton || language == Language::gluon) {
      languages.add(*language, [target, runner]() -> Result<LanguageTools> {
        return LanguageTools{.backend = TRY(make_triton_backend(target)), .runner = runner};
      });
    }
  }
}

MachineLimits limits_of(const Roofline& roofline, const MachineFacts& machine) {
  constexpr double per_us = 1e3;  // 10^9 a second
  std::vector<CacheRoom> caches;
  for (const CacheLevel& cache : machine.caches) {
    const int instances = std::max(1, machine.cores / std::max(1, cache.shared_by));
    if (cache.level >= 2)
      caches.push_back({.level = cache.level, .bytes = static_cast<double>(cache.bytes) * instances});
  }
  return {.bytes_per_us = roofline.memory_bandwidth() * per_us,
          .operations_per_us = roofline.f32_all.best * per_us,
          .launch_us = roofline.barrier_us,
          .threads = roofline.threads,
          .cache_bytes = machine.caches.empty() ? 0 : machine.caches.back().bytes,
          .caches = std::move(caches)};
}

MachineLimits limits_of(const DeviceFacts& facts) {
  constexpr double operations_a_cycle = 2 * 1024;
  return {.bytes_per_us = 2.0 * facts.memory_clock_khz * 1e3 * facts.bus_bits / 8 * 1e-6,
          .operations_per_us = operations_a_cycle * facts.sms * facts.clock_khz * 1e-3,
          .launch_us = 2,
          .threads = 1,
          .cache_bytes = facts.l2_bytes};
}

}  // namespace kerf
