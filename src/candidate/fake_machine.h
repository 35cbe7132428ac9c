// A machine that runs nothing: told what operators, kernels and results there are, it notes what it is asked to do.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "candidate/bind.h"

namespace kerf {

class FakeMachine : public Machine {
 public:
  // An overload, as PyTorch prints it.
  void add_schema(std::string_view text);
  void add_prototype(std::string kernel, std::vector<std::string> types);
  // What the next call of "aten::t" gives; the last answer stands for all further ones. An operator without answers
  // gives unknown results.
  void add_answer(const std::string& op, std::vector<CallResult> results);

  Result<std::optional<std::vector<std::string>>> schemas(std::string_view op) override;
  Result<std::optional<std::vector<std::string>>> prototype(std::string_view kernel) override;
  Result<> allocate(TensorId id, const BoundTensor& tensor) override;
  Result<> launch(const BoundStep& step, const BoundLaunch& launch) override;
  Result<std::optional<std::vector<CallResult>>> call(const BoundStep& step, const BoundCall& call) override;
  Result<> commit(const BoundStep& step, const BoundCall& call) override;

  // "allocate partial f32[4, 2]", "launch rows [4](%0, %1, 64:i64)", "call aten::sum.dim_IntList(%0, [1], true, none)",
  // "keep %5", "write %1 by aten::sum.IntList_out", in order.
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> schemas_;
  std::map<std::string, std::vector<std::string>, std::less<>> prototypes_;
  std::map<std::string, std::vector<std::vector<CallResult>>, std::less<>> answers_;
  std::map<std::string, std::size_t, std::less<>> calls_;
  std::vector<std::string> log_;
};

}  // namespace kerf
