// NVIDIA's CUPTI, as much of it as counting what a launch does needs: its profiler of ranges (CUDA 12.6 and later),
// loaded at run time. Layouts and numbers are those of cupti_profiler_host.h, cupti_profiler_target.h and
// cupti_range_profiler.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace kerf {

struct CuptiFunctions;  // of the library

// Kind unavailable: what CUPTI could not do and why, as it says itself (`text` may be null).
[[nodiscard]] std::unexpected<Error> cupti_failed(const char* what, int code, const char* text);

// A set of counters as the hardware is to be programmed for it. Needs the library, no GPU.
struct CuptiPlan {
  std::vector<std::string> counters;     // in the order in which values come
  std::vector<std::string> unknown;      // asked for, and not there on this chip
  std::int64_t passes = 0;               // runs of a kernel that all of them take
  std::vector<std::uint8_t> image;       // for the hardware
  std::shared_ptr<void> host = nullptr;  // CUPTI's object, which turns counts into values
};

class Cupti {
 public:
  // `unavailable: …` if the library cannot be loaded or is too old.
  [[nodiscard]] static Result<Cupti> load(const std::string& path);
  // "GH100", as plan() wants it. Needs a GPU.
  [[nodiscard]] Result<std::string> chip(int device);
  // Kind unavailable if the chip is unknown to this library, or knows none of the counters.
  [[nodiscard]] Result<CuptiPlan> plan(const std::string& chip, const std::vector<std::string>& counters) const;

  // Counts what happens in launches, of each for itself: begin() for as many as `launches` in the context (a
  // CUcontext), then count() around each, values() at the end, one row a launch, in the order of plan.counters. An
  // error of kind unavailable says what forbids it (rights, another profiler).
  [[nodiscard]] Result<> begin(void* context, const CuptiPlan& plan, std::size_t launches);
  // `launch` makes one launch and waits for it; CUPTI repeats it for every pass and puts memory back in between.
  [[nodiscard]] Result<> count(const std::function<void()>& launch);
  [[nodiscard]] Result<std::vector<std::vector<double>>> values(const CuptiPlan& plan) const;
  // Ends what begin() began: as long as it has not been called, launches may be slower.
  void rest();

  // For tests: over functions that play CUPTI.
  explicit Cupti(std::shared_ptr<const CuptiFunctions> functions) : call_(std::move(functions)) {}

 private:
  [[nodiscard]] Result<> initialize();
  [[nodiscard]] Result<> enable(void* context);
  [[nodiscard]] Result<> configure(const CuptiPlan& plan, std::size_t launches);

  std::shared_ptr<const CuptiFunctions> call_;
  void* ranges_ = nullptr;  // CUPTI's object while it is enabled
  bool initialized_ = false;
  std::vector<std::uint8_t> data_;  // what is counted
};

}  // namespace kerf
