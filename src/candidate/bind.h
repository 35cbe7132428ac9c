// Binding: a plan, a workload, one choice of tune values and a machine become a flat list of launches and calls.
//
// The binder walks the steps in order, loops unrolled, and tells the machine of each scratch tensor, launch and call as
// soon as it is checked; a real machine executes them at once (a call's result may decide what follows). What comes
// out, the Program, is then replayed any number of times without the binder: tensors are referred to by TensorId, never
// by address, so that inputs, outputs and scratch may lie elsewhere in every run. Replaying means, for each step in
// order:
//   launch: run the kernel over its grid with the addresses that its tensors have now;
//   call:   run the operator; a kept result replaces what its TensorId stood for in the last run, and must have the
//   spec
//           that it had while binding (launches after it were bound to that spec): else the candidate is at fault; a
//           written result goes through `out_overload` if there is one, else it is copied; an adopted one is the output
//           from then on, as what PyTorch returns is, and whoever needs it elsewhere copies it after the clock has
//           stopped;
//   then forget the tensors in `release`: results that nothing later uses.
// Steps with `prepare` are run when parameters change, the others in every run.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "candidate/plan.h"
#include "candidate/schema.h"
#include "candidate/tensor_map.h"
#include "problem/problem.h"

namespace kerf {

struct BoundTensor {
  enum class Kind : std::uint8_t { given, output, scratch, result };
  Kind kind = Kind::given;
  std::string name = {};
  int index = 0;  // given: of Workload::tensors; output: of Workload::outputs; scratch: of Plan::scratch;
                  // result: which of its call's results
  std::optional<TensorSpec> spec = std::nullopt;  // always known once a real machine has bound it
  int storage = 0;                                // tensors with equal storage share memory
  bool read_only = false;                         // for launches and mutating calls outside prepare steps
  bool prepared = false;  // written by prepare steps: persists between runs, neither poisoned nor zeroed again
  bool zero = false;      // scratch: every run (if prepared: every preparation) must find zeros
};

struct BoundArgument {
  enum class Kind : std::uint8_t { tensor, tensor_map, thread, i64, i32, f32, f64, boolean, unknown };
  Kind kind = Kind::i64;
  TensorId tensor = no_tensor;
  std::int64_t integer = 0;  // i64, i32, boolean
  double number = 0;         // f32 (rounded already), f64
  Location at = {};
  TensorMap map = {};  // tensor_map: tiled() takes it with the tensor's spec

  // Whether the kernel gets at a tensor's memory by it.
  [[nodiscard]] bool reaches_memory() const { return kind == Kind::tensor || kind == Kind::tensor_map; }
};
[[nodiscard]] const char* to_string(BoundArgument::Kind kind);  // "i64", …; "thread" is passed as i64

// What a launch says of its blocks, in languages that have them.
struct BoundBlock {
  std::array<std::int64_t, 3> extent = {1, 1, 1};   // threads
  std::int64_t shared_bytes = 0;                    // dynamic shared memory
  std::array<std::int64_t, 3> cluster = {1, 1, 1};  // blocks
  bool cooperative = false;
  Location at = {}, shared_at = {};
};

// What a launch says of its programs, in triton and gluon.
struct BoundPrograms {
  std::vector<std::pair<std::string, Value>> constexprs;  // as the launch's table gives them, in its order
  int num_warps = 4;
  std::optional<int> num_stages = {};  // the compiler's own choice otherwise
  Location num_warps_at = {};
};

// The kernel's parameters are these arguments; without a block or programs they are followed by one int64_t a dimension
// of the grid (dimension 0 first).
struct BoundLaunch {
  std::string kernel;
  std::vector<std::int64_t> grid;  // 1 to 3 extents, each at least 1
  std::vector<BoundArgument> args;
  std::optional<BoundBlock> block = {};
  std::optional<BoundPrograms> programs = {};
};

// A call's result: dropped, kept under a new name, written to a tensor that exists, or adopted: an output that nothing
// else in the program touches is the result itself, and so may be scratch that nothing else has written or read before
// (where kernels run on memory that is not guarded page by page). While it is being bound, a program writes what it
// adopts later.
struct BoundOut {
  enum class Kind : std::uint8_t { drop, keep, write, adopt };
  Kind kind = Kind::drop;
  TensorId tensor = no_tensor;   // keep: the new tensor; write, adopt: output or scratch
  bool fresh = false;            // write, adopt: the result has the tensor's spec, and memory that no other tensor has
  TensorId view_of = no_tensor;  // write, adopt: it has the tensor's spec, and shares memory with this one
};

struct BoundCall {
  std::string op;               // "aten::sum"
  std::string overload;         // "dim_IntList", empty for default
  std::vector<CallValue> args;  // all arguments in the schema's order, defaults filled in
  std::vector<BoundOut> outs;   // one a result; the elements of a single Tensor[] result count as results
  // Where all results are written and the operator has an out overload that takes the same arguments followed by the
  // tensors to write (in the order of outs), its name; and only if none of them shares memory with an argument.
  std::optional<std::string> out_overload;
};

struct BoundStep {
  std::variant<BoundLaunch, BoundCall> does;
  int step = 0;  // index into Plan::steps
  bool prepare = false;
  Location at;                    // kernel or operator in the candidate
  std::vector<TensorId> release;  // results that no later step uses (never prepared ones)
};

struct Program {
  // First Workload::tensors, then Workload::outputs, both in order; then scratch and results as they appeared.
  std::vector<BoundTensor> tensors;
  std::vector<BoundStep> steps;
  [[nodiscard]] bool is_scratch(TensorId id) const {
    return tensors[static_cast<std::size_t>(id)].kind == BoundTensor::Kind::scratch;
  }
};

// What a machine answers to a call: a result that is no tensor (None, a number) has no spec.
struct CallResult {
  std::optional<TensorSpec> spec;
  std::optional<TensorId> alias_of;  // a tensor whose memory this one shares, wholly or in part
};

// What the binder needs of whoever runs the steps. Errors end the binding; those that are the candidate's fault get the
// place of the step unless they have one.
struct Machine {
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  // Schemas of all overloads of "aten::sum" as PyTorch prints them, empty if there is no such operator; nullopt if this
  // machine cannot know (then the call's arguments are checked for names only).
  [[nodiscard]] virtual Result<std::optional<std::vector<std::string>>> schemas(std::string_view op) = 0;
  // The parameters of a kernel as the compiled source declares them ("const f32*", "i64", …), see prototype.h; nullopt
  // if the source is not compiled here.
  [[nodiscard]] virtual Result<std::optional<std::vector<std::string>>> prototype(std::string_view kernel) = 0;
  // Allocates scratch tensor `id` (aligned, filled, zeroed if tensor.zero). Only called if its spec is known.
  [[nodiscard]] virtual Result<> allocate(TensorId id, const BoundTensor& tensor) = 0;
  // Only called if everything about the launch is known.
  [[nodiscard]] virtual Result<> launch(const BoundStep& step, const BoundLaunch& launch) = 0;
  // Runs the operator itself (not its out overload), holds on to the results and describes them; nullopt if this
  // machine runs no calls (then the results' specs are unknown). call.outs says only how many names the plan gives.
  [[nodiscard]] virtual Result<std::optional<std::vector<CallResult>>> call(const BoundStep& step,
                                                                            const BoundCall& call) = 0;
  // The results of the last call passed all checks: keep them under call.outs[i].tensor, or copy them there.
  [[nodiscard]] virtual Result<> commit(const BoundStep& step, const BoundCall& call) = 0;
};

// Knows nothing of operators and kernels and runs nothing: what lint() binds against.
class BlindMachine : public Machine {
 public:
  Result<std::optional<std::vector<std::string>>> schemas(std::string_view op) override;
  Result<std::optional<std::vector<std::string>>> prototype(std::string_view kernel) override;
  Result<> allocate(TensorId id, const BoundTensor& tensor) override;
  Result<> launch(const BoundStep& step, const BoundLaunch& launch) override;
  Result<std::optional<std::vector<CallResult>>> call(const BoundStep& step, const BoundCall& call) override;
  Result<> commit(const BoundStep& step, const BoundCall& call) override;
};

struct BindRequest {
  const Source* source = nullptr;
  const Workload* workload = nullptr;
  TunePoint tune;
  int threads = 1;
  std::int64_t scratch_limit = 0;  // bytes; 0: a quarter of this machine's memory
};

inline constexpr std::size_t max_steps = 1'000;          // as written
inline constexpr std::size_t max_bound_steps = 100'000;  // loops unrolled

// All checks of docs/candidates.md that do not need the answer. Errors (kind candidate) carry line and column of what
// is wrong, and the facts "verdict" = "rejected" and "rule" (see docs/candidates.md).
[[nodiscard]] Result<Program> bind(const BindRequest& request, Machine& machine);

}  // namespace kerf
