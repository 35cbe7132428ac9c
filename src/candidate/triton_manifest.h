// What a Triton candidate is once it is compiled: its image is a manifest (JSON), beside which the cubins lie. Triton
// specialises a kernel for what is known of its arguments; the manifest has one entry for each specialisation that the
// candidate's workloads need, and whoever runs a bound launch looks up the entry by the launch's key.
//
// To launch an entry: cuLaunchKernel of `symbol` in `cubin` over the launch's grid, blocks of 32 * num_warps threads,
// `shared_bytes` of dynamic shared memory, and as parameters those arguments of the launch that `parameters` names, in
// that order and type, then the pointers of `scratch`: to that many bytes for every program, null for 0 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "candidate/bind.h"

namespace kerf {

// How Triton sees one argument of a launch: its JIT's rules (triton/runtime/jit.py, specialize_impl).
struct TritonArgument {
  enum class Type : std::uint8_t { pointer, i32, i64, f32, f64, boolean };
  Type type = Type::pointer;
  Dtype dtype = Dtype::f32;   // pointer: of what it points to
  bool divisible_16 = false;  // pointers but those that calls return; integers
  bool is_one = false;        // an integer that equals 1 is a constant of the kernel
  friend bool operator==(const TritonArgument&, const TritonArgument&) = default;
};
[[nodiscard]] std::string to_string(const TritonArgument& argument);  // "*fp32", "i64", "u1": Triton's spelling

// One for each of launch.args. Kind candidate, rule prototype, at the argument: one that Triton cannot take. Kind
// unavailable: what it is, is known once a call has run.
[[nodiscard]] Result<std::vector<TritonArgument>> triton_arguments(const BoundLaunch& launch,
                                                                   const std::vector<BoundTensor>& tensors);
// "rmsnorm(*fp32:16, *fp32:16, i32:16, i32, fp32) N=1024 num_warps=4": launches of equal key share an entry. Tune axes
// are not in it: an image has one choice of them.
[[nodiscard]] std::string triton_key(const BoundLaunch& launch, const std::vector<TritonArgument>& arguments);

struct TritonParameter {
  int argument = 0;  // index into BoundLaunch::args
  TritonArgument::Type type = TritonArgument::Type::pointer;
};

struct TritonScratch {
  std::int64_t bytes = 0;  // for every program
  std::int64_t alignment = 1;
};

struct TritonEntry {
  std::string key;
  std::string kernel;  // as the plan names it
  std::string cubin;   // file name, in the manifest's folder
  std::string symbol;
  int num_warps = 4;
  std::int64_t shared_bytes = 0;
  std::vector<TritonParameter> parameters;
  std::vector<TritonScratch> scratch;  // global, then of the profiler
  int registers = 0;
  std::int64_t local_bytes = 0;  // stack frame of a thread: arrays and spills
};

struct TritonManifest {
  std::string architecture;  // sm_90
  std::vector<TritonEntry> entries;
  [[nodiscard]] const TritonEntry* find(std::string_view key) const;  // null: not compiled
};

[[nodiscard]] std::string to_text(const TritonManifest& manifest);
// Kind system: this is no manifest. File names that leave its folder are refused.
[[nodiscard]] Result<TritonManifest> read_triton_manifest(std::string_view text);

}  // namespace kerf
