// Any text as a candidate: read, enumerate tune points, bind against a machine that knows nothing.
#include <cstddef>
#include <cstdint>
#include <string>

#include "candidate/bind.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first byte chooses the language, and whether the plan's frame is given.
  const bool python = size > 0 && (data[0] & 1U) != 0, framed = size > 0 && (data[0] & 2U) != 0;
  Candidate candidate{.text = text, .language = python ? Language::triton : Language::cpp, .name = "fuzz"};
  if (framed && !python) candidate.text = "/* /// kerf\nversion = 1\n" + text.substr(1) + "\n/// */\n" + text;
  const auto source = read_source(std::move(candidate));
  if (!source) return source.error().at ? 0 : (__builtin_trap(), 0);
  Workload workload;
  workload.tensors.push_back({.name = "x",
                              .role = Role::input,
                              .spec = {.dtype = Dtype::f32, .shape = {4, 6}, .stride = {6, 1}},
                              .drawn = "rand"});
  workload.tensors.push_back({.name = "fc.weight",
                              .role = Role::parameter,
                              .spec = {.dtype = Dtype::f32, .shape = {8}, .stride = {1}},
                              .drawn = "rand"});
  workload.outputs.push_back({.dtype = Dtype::f32, .shape = {4}, .stride = {1}});
  workload.init.emplace_back("eps", Value{1e-5});
  const auto points = tune_points(*source);
  (void)supports(*source, workload);
  BlindMachine machine;
  const BindRequest request{
      .source = &*source, .workload = &workload, .tune = points ? points->front() : TunePoint{}, .threads = 2};
  (void)bind(request, machine);
  return 0;
}
