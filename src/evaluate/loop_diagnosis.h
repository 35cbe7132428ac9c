// What a model of the processor says of a kernel's inner loop, put into the diagnosis: docs/diagnosis.md.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "evaluate/diagnosis.h"
#include "target/cpu/hot_loop.h"

namespace kerf {

// The launch in which most time goes, by the metrics `step.N`; nullptr: a library call takes more, or nothing is known.
[[nodiscard]] const Step* dominating_launch(const Plan& plan, const Diagnosis& diagnosis);

// Metrics of the loop (evidence `static`). Where neither memory nor launches bound the candidate: causes, the main one
// first, with the move that answers each, and a hot spot at `line`, the first of the kernel.
void add_loop(Diagnosis& diagnosis, const HotLoop& loop, const std::string& kernel, int line);

// Who models the inner loop of a kernel in an object: model_hot_loop(), or a test.
using LoopModeller = std::function<Result<HotLoop>(const std::string& object, std::string_view kernel)>;
// add_loop() for the launch in which most time goes; nothing where a library call takes more. An error says why nothing
// is known.
[[nodiscard]] Result<> explain_loop(Diagnosis& diagnosis, const Source& source, const std::string& object,
                                    const LoopModeller& model);

}  // namespace kerf
