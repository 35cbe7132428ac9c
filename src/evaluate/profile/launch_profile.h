// The launches of a plan under a profiler, and from what it counted to why the candidate is slow.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "candidate/device_protocol.h"
#include "candidate/plan.h"
#include "evaluate/diagnosis.h"
#include "evaluate/profile/gpu_diagnosis.h"
#include "evaluate/profile/line_samples.h"
#include "evaluate/runner.h"
#include "evaluate/trial_pool.h"
#include "target/nvidia/kernel_prober.h"
#include "target/target.h"

namespace kerf {

// Launches of one kernel over the same blocks that take about as long: what is counted of one is said of all.
struct AlikeLaunches {
  int step = 0;  // the first of them
  std::vector<int> steps = {};
  double us = 0;  // of all of them
};
// Without times each stands for itself.
[[nodiscard]] std::vector<AlikeLaunches> alike_launches(const Plan& plan, const std::vector<double>& step_us);
// Steps of the plan whose launches are worth counting: of those that are alike the first, those in which most time
// goes, `most` of them at the most, in the plan's order. Without times the first ones.
[[nodiscard]] std::vector<int> steps_to_profile(const Plan& plan, const std::vector<double>& step_us,
                                                std::size_t most = 8);

struct ProfileTools {
  Oracle& oracle;
  Runner& runner;
  TrialPool& trials;
  int threads = 1;
};
struct ProfileRequest {
  const Source& source;
  const Image& image;
  const TunePoint& point;
  const Workload& workload;  // the primary one
  double time_us = 0;        // of one run
  const std::vector<double>& step_us;
  Effort effort = Effort::screen;  // of a screen few counters, which cost little
  bool quotable = false;           // confirmed, or asked for: what runs on the device is recorded
  bool ncu = false;                // counters of Nsight Compute's instead of CUPTI's
};
struct TakenProfile {
  ProfileAnswer answer;
  LineTables lines = {};                     // of the samples, unless
  std::string no_lines = {};                 // "unavailable: …"
  std::optional<RunActivity> activity = {};  // unless
  std::string no_activity = {};              // "unavailable: …"
  std::string no_counters = {};              // why nothing was counted
  std::string profiler = "CUPTI";
  std::string no_ncu = {};  // why the counters are CUPTI's although Nsight Compute's were asked for
};
// Blocks: called from a job body that has the machine for itself. Kind candidate: it did to its inputs, or on
// another stream, what no run may.
// Any other error says why there is no profile.
[[nodiscard]] Result<TakenProfile> take_profile(const ProfileTools& tools, const ProfileRequest& request,
                                                Random& random);

// The step whose kernel is worth looking into: the launch in which most time goes; -1: the plan has none.
[[nodiscard]] int slowest_launch(const Plan& plan, const std::vector<double>& step_us);

// Blocks. Launches the probed kernel in the place of a launch of `step`. `mhz`: the SMs' clock. Errors as of
// take_profile().
[[nodiscard]] Result<Timeline> take_timeline(const ProfileTools& tools, const ProfileRequest& request,
                                             const ProbedKernel& kernel, int step, double mhz, Random& random);

// Of what the probes wrote. Pure. Kind unavailable: nothing.
[[nodiscard]] Result<Timeline> timeline_of(const ProbedKernel& kernel, const ProbeAnswer& answer, double mhz);

// The SMs' clock during the launch that was counted for this step; where that is not known, their highest.
[[nodiscard]] double sm_mhz(const ProfileAnswer& answer, int step, int highest_khz);

struct ProfiledRun {
  const Source& source;
  const Workload& workload;
  const PlanShape* shape = nullptr;    // null where the plan cannot be bound without running it
  const std::vector<double>& step_us;  // per step of the plan
  double time_us = 0;                  // of one run
  double launch_us = 0;                // of one launch
  GpuLimits gpu;
  int sms = 0;  // of the device
};
// Pure, as is all below. Kernels by the plan's names. Time that library calls take is left out of the run: they are not
// profiled.
[[nodiscard]] GpuRun gpu_run(const ProfileAnswer& answer, const ProfiledRun& run);

// What is known of the launches is put into what is known of the plan (diagnose()): metrics of both; bound, causes and
// advice of the launches, unless most time goes into library calls; hot spots: what warps of the slowest kernel wait
// for, and the lines in which they were seen.
void add_profile(Diagnosis& diagnosis, const TakenProfile& taken, const ProfiledRun& run);

}  // namespace kerf
