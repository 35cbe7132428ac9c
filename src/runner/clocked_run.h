// One run, and what is said around it. kerf's clock runs from its go-ahead until it hears "done", the process's own is
// within the run: what finishes it afterwards is in neither.
#pragma once

#include <chrono>
#include <utility>

#include "base/channel.h"
#include "candidate/run_protocol.h"

namespace kerf {

// `run` gives the answer, `finish` follows where it succeeded. Errors of theirs are in the inner result, which is
// kerf's to hear; those of the channel in the outer one.
template <class Run, class Finish>
[[nodiscard]] Result<Result<RunAnswer>> clocked_run(const Channel& channel, Run run, Finish finish) {
  constexpr std::chrono::milliseconds for_ever{-1};
  TRY(channel.send(encode_number("ready", 1)));
  TRY(channel.receive(for_ever));
  Result<RunAnswer> answer = run();
  TRY(channel.send(encode_number("done", 1)));
  // kerf stops its clock on this message: it must not have to wait for our core.
  TRY(channel.receive(for_ever));
  if (answer) {
    if (Result<> fine = finish(); !fine) answer = std::unexpected(std::move(fine).error());
  }
  return answer;
}

}  // namespace kerf
