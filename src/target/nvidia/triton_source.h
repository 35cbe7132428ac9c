// What Triton has compiled of the last few candidates. The points of a plan's tune axes differ in a few constants, so
// that most kernels of a point are those of another one: each is compiled once.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "target/nvidia/triton_worker.h"

namespace kerf {

// Of one candidate's text. Outputs are shared between calls for the same text alone: its Python runs where it is
// compiled, and no other candidate's kernels may come from there.
class TritonSource {
 public:
  TritonSource(TritonCompiler& compiler, std::string text) : compiler_(compiler), text_(std::move(text)) {}

  // The functions of the file with @triton.jit or @gluon.jit, by name. Safe to call from several threads, as is
  // compile(); one call waits for another.
  [[nodiscard]] Result<std::map<std::string, TritonKernel>> kernels();
  // Outputs in the order of the jobs, without their TTGIR. What one call fails to compile the next one tries again.
  [[nodiscard]] Result<std::vector<TritonOutput>> compile(std::span<const TritonJob> jobs, int architecture);

 private:
  [[nodiscard]] Result<> load();

  TritonCompiler& compiler_;
  std::string text_;
  std::mutex mutex_;
  std::unique_ptr<LoadedTriton> loaded_;  // until it has compiled, which it does once
  std::map<std::string, TritonKernel> kernels_;
  std::map<std::string, TritonOutput> outputs_;  // by job and architecture
};

class TritonSources {
 public:
  explicit TritonSources(TritonCompiler& compiler) : compiler_(compiler) {}
  // Whoever holds what is returned keeps it, however many other texts are asked for meanwhile.
  [[nodiscard]] std::shared_ptr<TritonSource> of(const std::string& text);

 private:
  TritonCompiler& compiler_;
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<TritonSource>>> last_;  // the latest first
};

}  // namespace kerf
