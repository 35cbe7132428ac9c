// The process that compiles a Triton candidate: workers/triton_worker.py in the jail, one process a candidate, because
// the file is a Python module that runs when it is loaded. The next one is started ahead, so that importing Triton
// (0.4 s) is over when it is needed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "candidate/triton_manifest.h"

namespace kerf {

struct TritonKernel {
  struct Parameter {
    std::string name;
    bool constant = false;  // tl.constexpr
  };
  int line = 0;  // of its `def`; 0: unknown
  std::vector<Parameter> parameters;
};

// One specialisation to compile, every parameter of the kernel spelled out as Triton's signature has it.
struct TritonJob {
  std::string kernel;
  std::map<std::string, std::string> signature;  // parameter -> "*fp32", …, "constexpr"
  std::map<std::string, Value> constants;
  std::vector<std::string> divisible_16;
  int num_warps = 4;
  std::optional<int> num_stages;
};
// As the process that compiles takes it.
[[nodiscard]] nlohmann::json to_json(const TritonJob& job);

struct TritonOutput {
  std::string cubin, ptx, symbol;
  std::string ttgir;  // as text (target/nvidia/ttgir.h); empty where this version of Triton keeps none
  int num_warps = 0, num_ctas = 1;
  std::int64_t shared_bytes = 0;
  std::vector<TritonScratch> scratch;
};

// A candidate that is loaded in a process of its own. Errors of kind candidate have verdict compile_error and, where
// Triton says it, the place.
class LoadedTriton {
 public:
  virtual ~LoadedTriton() = default;
  [[nodiscard]] virtual const std::map<std::string, TritonKernel>& kernels() const = 0;
  // Once. `architecture`: 90.
  [[nodiscard]] virtual Result<std::vector<TritonOutput>> compile(std::span<const TritonJob> jobs,
                                                                  int architecture) = 0;
  // Once, after compile(): modules in Triton's GPU dialect that were changed.
  [[nodiscard]] virtual Result<std::vector<TritonOutput>> compile_ir(const std::vector<std::string>& ttgir,
                                                                     int num_warps, int architecture) = 0;
};

// Who compiles candidates. Safe to call from several threads.
class TritonCompiler {
 public:
  virtual ~TritonCompiler() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<LoadedTriton>> load(const std::string& text) = 0;
  // What `loaded`, which has loaded `text`, would compile. Many jobs are shared among further processes, in which the
  // text is loaded again. Outputs in the order of the jobs; of several errors the first job's.
  [[nodiscard]] virtual Result<std::vector<TritonOutput>> compile(const std::string& text, LoadedTriton& loaded,
                                                                  std::span<const TritonJob> jobs,
                                                                  int architecture) = 0;
  [[nodiscard]] virtual const std::string& version() const = 0;  // "Triton 3.9.0"
};

class TritonWorkers final : public TritonCompiler {
 public:
  // Starts the first process and waits until it is ready. `unavailable: …` where kerf's Python has no Triton. Jobs of a
  // candidate are shared among up to `processes`: by default a quarter of this machine's cores, as several candidates
  // are compiled at a time.
  [[nodiscard]] static Result<std::unique_ptr<TritonWorkers>> start(
      int processes = static_cast<int>(std::thread::hardware_concurrency()) / 4);
  ~TritonWorkers() override;
  TritonWorkers(const TritonWorkers&) = delete;
  TritonWorkers& operator=(const TritonWorkers&) = delete;
  [[nodiscard]] Result<std::unique_ptr<LoadedTriton>> load(const std::string& text) override;
  [[nodiscard]] Result<std::vector<TritonOutput>> compile(const std::string& text, LoadedTriton& loaded,
                                                          std::span<const TritonJob> jobs, int architecture) override;
  [[nodiscard]] const std::string& version() const override { return version_; }

 private:
  explicit TritonWorkers(int processes);
  struct Spare;
  std::unique_ptr<Spare> spare_;
  std::string version_;
  int processes_;
};

}  // namespace kerf
