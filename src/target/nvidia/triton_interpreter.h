// Triton's own interpreter, which executes programs on the CPU: workers/triton_interpreter.py in the jail, one process
// a candidate and one of its children for each that runs the candidate's plan. What it says of times says nothing.
#pragma once

#include <memory>
#include <string>

#include "base/channel.h"
#include "base/result.h"
#include "candidate/candidate.h"

namespace kerf {

class TritonInterpreters {
 public:
  // `unavailable: …` where kerf's Python has no Triton.
  [[nodiscard]] static Result<std::unique_ptr<TritonInterpreters>> start();
  ~TritonInterpreters();
  TritonInterpreters(const TritonInterpreters&) = delete;
  TritonInterpreters& operator=(const TritonInterpreters&) = delete;
  // The end of a conversation (see the worker) in which launches of the candidate are executed. Errors of the candidate
  // have verdict and rule; `unavailable: …` for gluon. Safe to call from several threads.
  [[nodiscard]] Result<Channel> connect(const Candidate& candidate);
  [[nodiscard]] const std::string& version() const { return version_; }  // "Triton 3.9.0, interpreter"

 private:
  TritonInterpreters();
  struct State;
  std::unique_ptr<State> state_;
  std::string version_;
};

}  // namespace kerf
