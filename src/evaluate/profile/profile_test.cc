#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <toml++/toml.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "evaluate/profile/gpu_diagnosis.h"
#include "evaluate/profile/kernel_profile.h"
#include "evaluate/profile/ncu_csv.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

std::string case_text(const std::string& name) {
  std::ifstream in(std::string(KERF_CASES) + "/" + name);
  EXPECT_TRUE(in) << name;
  return (std::stringstream() << in.rdbuf()).str();
}

TEST(NcuLog, CountersAreOfTheLaunchesThatWereMarked) {
  ProfileAnswer answer;
  answer.launches = {{.step = 3, .threads = 128, .blocks = 9}};
  const auto taken = take_ncu(case_text("profiles/ncu_full.csv"), answer);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(answer.launches[0].step, 3);
  EXPECT_DOUBLE_EQ(answer.launches[0].counters.at("dram__bytes_read.sum"), 268454144);
  answer.launches.push_back({.step = 4});
  const auto fewer = take_ncu(case_text("profiles/ncu_full.csv"), answer);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(fewer.error().message, HasSubstr("1 launches of 2"));
}

TEST(NcuLog, SaysWhatIsNotPermitted) {
  const char* const log =
      "==PROF== Connected to process 7\n==ERROR== ERR_NVGPUCTRPERM - The user does not have permission\nmore\n";
  EXPECT_EQ(error_of_ncu(log), "ERR_NVGPUCTRPERM - The user does not have permission");
  EXPECT_EQ(error_of_ncu("==PROF== fine\n"), "");
  EXPECT_EQ(error_of_ncu("==ERROR== at the end"), "at the end");
  ProfileAnswer answer;
  const auto taken = take_ncu(log, answer);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("permission"));
}

TEST(NcuCsv, FullSetOfOneSoftmax) {
  const auto profiles = read_ncu_csv(case_text("profiles/ncu_full.csv"));
  ASSERT_TRUE(profiles) << profiles.error().message;
  ASSERT_EQ(profiles->size(), 1u);
  const auto& kernel = profiles->front();
  EXPECT_EQ(kernel.kernel, "sm");
  EXPECT_DOUBLE_EQ(kernel.get("bytes.dram.read"), 268454144);
  EXPECT_DOUBLE_EQ(kernel.get("fraction.dram"), 0.8589);
  EXPECT_DOUBLE_EQ(kernel.get("occupancy.achieved"), 0.9465);
  EXPECT_DOUBLE_EQ(kernel.get("used.load"), 1.0);
  EXPECT_DOUBLE_EQ(kernel.get("instructions"), 45613056);
  EXPECT_NEAR(kernel.get("conflicts.shared"), (28824.0 + 17688) / (684184.0 + 673048), 1e-12);
  EXPECT_NEAR(kernel.get("accesses.shared"), 1310720.0 / 45613056, 1e-12);
  const auto stalls = top_stalls(kernel);
  ASSERT_EQ(stalls.size(), 3u);
  EXPECT_EQ(stalls[0].first, "long_scoreboard");
  EXPECT_EQ(stalls[1].first, "short_scoreboard");
  EXPECT_EQ(stalls[2].first, "barrier");
  EXPECT_GT(stalls[0].second, 0.6);
}

TEST(NcuCsv, BasicSetKnowsLess) {
  const auto profiles = read_ncu_csv(case_text("profiles/ncu_basic.csv"));
  ASSERT_TRUE(profiles) << profiles.error().message;
  ASSERT_EQ(profiles->size(), 1u);
  const auto& kernel = profiles->front();
  EXPECT_DOUBLE_EQ(kernel.get("launch.blocks"), 65536);
  EXPECT_DOUBLE_EQ(kernel.get("launch.registers"), 23);
  EXPECT_DOUBLE_EQ(kernel.get("fraction.l2"), 0.9178);
  EXPECT_FALSE(kernel.has("bytes.dram.read"));
  EXPECT_FALSE(kernel.has("conflicts.shared"));
}

TEST(NcuCsv, OutputOfTheProgramStandsBetweenTheRows) {
  const auto profiles = read_ncu_csv(
      "==PROF== Connected\nhello\n\"ID\",\"Kernel Name\",\"gpu__time_duration.sum\"\nworld\n\"\",\"\",\"us\"\n"
      "{\"json\": 1}\n\"0\",\"f(\"\"x\"\", int)\",\"1,234.5\"\r\n==PROF== Disconnected\n\"1\",\"g\",\"\"\n");
  ASSERT_TRUE(profiles) << profiles.error().message;
  ASSERT_EQ(profiles->size(), 2u);
  EXPECT_EQ((*profiles)[0].kernel, "f(\"x\", int)");
  EXPECT_DOUBLE_EQ((*profiles)[0].get("time.kernel"), 1234.5);
  EXPECT_FALSE((*profiles)[1].has("time.kernel"));
}

TEST(NcuCsv, SaysWhatIsWrong) {
  EXPECT_THAT(read_ncu_csv("nothing").error().message, HasSubstr("--csv --page raw"));
  EXPECT_THAT(read_ncu_csv("\"ID\",\"x\"\n").error().message, HasSubstr("Kernel Name"));
  const auto torn = read_ncu_csv("\"ID\",\"Kernel Name\"\n\"\",\"\"\n\"0\",\"k");
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().at->line, 3);
  EXPECT_FALSE(read_ncu_csv("\"ID\",\"Kernel Name\"\n\"\",\"\"\n\"0\"\n"));
}

TEST(KernelProfile, CountersAreNamedOnceAndUnitsAreKnown) {
  const auto counters = nvidia_counters();
  std::map<std::string, double> all;
  for (const auto& counter : counters) EXPECT_TRUE(all.emplace(counter, 1.0).second) << counter;
  const auto profile = from_nvidia_counters("k", all);
  for (const auto& [name, value] : profile.metrics) EXPECT_NE(unit_of_metric(name), "") << name;
  EXPECT_EQ(unit_of_metric("unheard.of"), "");
  EXPECT_TRUE(
      from_nvidia_counters("k", {{"sm__cycles_active.avg", 1.0}, {"sm__cycles_elapsed.max", 0.0}}).metrics.empty());
}

TEST(GpuDiagnosis, NothingIsSaidOfNothing) {
  EXPECT_FALSE(diagnose_gpu({}).bound);
  const auto only_time = diagnose_gpu({.kernels = {{.kernel = "k", .metrics = {{"time.kernel", 5.0}}}}});
  EXPECT_FALSE(only_time.bound);
  EXPECT_TRUE(only_time.causes.empty());
}

TEST(GpuDiagnosis, TimeThatNoKernelTakesIsTheHosts) {
  const auto diagnosis = diagnose_gpu({.kernels = {{.kernel = "k", .metrics = {{"time.kernel", 50.0}}}},
                                       .launches = 1,
                                       .time_us = 200,
                                       .launch_us = 4});
  EXPECT_EQ(diagnosis.bound, Bound::host);
}

// Kernels that were written to be slow for one reason, as Nsight Compute measured them on an H100
// (tests/cases/planted): bound and main cause are right for at least 95 % of them.
std::map<std::string, GpuRun> planted_runs() {
  std::map<std::string, GpuRun> runs;
  const auto profiles = read_ncu_csv(case_text("planted/h100_ncu.csv"));
  EXPECT_TRUE(profiles) << profiles.error().message;
  if (!profiles) return runs;
  const auto times = nlohmann::json::parse(case_text("planted/h100_times.json"));
  for (const auto& t : times.at("runs")) {
    auto& run = runs[t.at("name")];
    run.launches = t.at("launches");
    run.time_us = t.at("time_us");
    run.least_bytes = t.at("least_bytes");
    run.launch_us = times.at("launch_us");
  }
  // Kernels of a case are named after it: the longest name that fits.
  for (const auto& profile : *profiles) {
    auto* best = static_cast<std::pair<const std::string, GpuRun>*>(nullptr);
    for (auto& run : runs) {
      if (profile.kernel.starts_with(run.first) && (best == nullptr || run.first.size() > best->first.size()))
        best = &run;
    }
    EXPECT_NE(best, nullptr) << profile.kernel;
    if (best != nullptr) best->second.kernels.push_back(profile);
  }
  return runs;
}

TEST(GpuDiagnosis, PlantedBottlenecks) {
  const auto runs = planted_runs();
  const auto cases = toml::parse(case_text("planted/cases.toml"));
  int right = 0, all = 0;
  std::string wrong;
  for (const auto& item : *cases["case"].as_array()) {
    const auto& planted = *item.as_table();
    const std::string name = *planted["name"].value<std::string>();
    GpuRun run = runs.at(name);
    run.half_products = *planted["problem"].value<std::string>() == "matmul_bf16";
    const auto diagnosis = diagnose_gpu(run);
    ASSERT_TRUE(diagnosis.bound) << name;
    std::string causes;
    for (const auto& cause : diagnosis.causes) causes += (causes.empty() ? "" : ", ") + cause.name;
    const std::string main = diagnosis.causes.empty() ? "none" : diagnosis.causes[0].name;
    const bool fits = to_string(*diagnosis.bound) == *planted["bound"].value<std::string>() &&
                      main == *planted["cause"].value<std::string>();
    ++all;
    right += fits ? 1 : 0;
    if (!fits) wrong += fmt::format("{}: {} by {}\n", name, to_string(*diagnosis.bound), causes);
    for (const auto& cause : diagnosis.causes) EXPECT_FALSE(cause.what.empty());
    if (const auto* also = planted["also"].as_array()) {
      for (const auto& second : *also) {
        const bool said = std::ranges::any_of(diagnosis.causes,
                                              [&](const Cause& c) { return c.name == *second.value<std::string>(); });
        EXPECT_TRUE(said) << name << ": " << *second.value<std::string>() << " is not named beside " << causes;
      }
    }
  }
  RecordProperty("right", right);
  RecordProperty("wrong", wrong);
  EXPECT_GE(all, 30);
  EXPECT_GE(right, 0.95 * all) << wrong;
}

// Of the counters of a screen a diagnosis says less, and nothing that all of them would contradict.
TEST(GpuDiagnosis, FewCountersSayLessAndNothingElse) {
  std::map<std::string, double> few;
  const auto groups = cupti_groups(Effort::screen);
  for (const auto& counter : groups.front()) few[counter] = 1;
  const KernelProfile known = from_nvidia_counters("", few);
  EXPECT_TRUE(known.has("stall.long_scoreboard"));
  const auto runs = planted_runs();
  const auto cases = toml::parse(case_text("planted/cases.toml"));
  int said = 0;
  for (const auto& item : *cases["case"].as_array()) {
    const auto& planted = *item.as_table();
    const std::string name = *planted["name"].value<std::string>();
    GpuRun run = runs.at(name);
    run.half_products = *planted["problem"].value<std::string>() == "matmul_bf16";
    const auto all = diagnose_gpu(run);
    for (auto& kernel : run.kernels) {
      std::erase_if(kernel.metrics, [&](const auto& metric) {
        // What is known of the launch itself costs no pass.
        return !known.has(metric.first) && !metric.first.starts_with("launch.") && !metric.first.starts_with("fits.");
      });
    }
    const auto less = diagnose_gpu(run);
    if (less.bound) {
      ++said;
      EXPECT_STREQ(to_string(*less.bound), to_string(*all.bound)) << name;
      EXPECT_FALSE(less.advice.empty()) << name;
    }
    for (const auto& cause : less.causes)
      EXPECT_TRUE(std::ranges::any_of(all.causes, [&](const Cause& c) { return c.name == cause.name; }))
          << name << ": " << cause.name << " is not named when everything is known";
  }
  RecordProperty("said", said);
  EXPECT_GE(said, 20);
}

}  // namespace
}  // namespace kerf
