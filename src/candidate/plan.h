// A plan as data: what stands in a candidate's comment, read and located, not yet bound to a workload.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "candidate/candidate.h"
#include "problem/problem.h"
#include "problem/value.h"

namespace kerf {

// A text of the plan and where its first character stands in the candidate.
struct Located {
  std::string text;
  Location at;
  // Where each byte stands, if not simply one after the other (escapes, several lines); else empty.
  std::vector<Location> map = {};
  [[nodiscard]] Location position(std::size_t offset) const;
};

struct PlanArgument;
using PlanArgumentList = std::vector<PlanArgument>;
struct PlanEntry;
using PlanArgumentTable = std::vector<PlanEntry>;
// A literal, an expression or tensor name (a string), or a list of such. A table is a tensor map (cuda).
struct PlanArgument {
  std::variant<Value, Located, PlanArgumentList, PlanArgumentTable> is;
  Location at;
};
struct PlanEntry {
  Located first;  // the key
  PlanArgument second;
};

struct Scratch {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<PlanArgument> shape;
  bool zero = false;
  Location at, name_at, shape_at;
};

struct Step {
  enum class Kind : std::uint8_t { launch, call };
  Kind kind = Kind::launch;
  Located target;                  // kernel, or operator ("aten.sum.dim_IntList")
  std::vector<PlanArgument> grid;  // launch
  std::vector<PlanArgument> args;
  PlanArgumentTable kwargs;  // call
  std::vector<Located> out;  // call: names, "_" drops
  bool out_is_list = false;
  std::optional<Located> loop;  // for = "t"
  bool prepare = false;
  PlanArgumentTable keys;  // launch: what the language adds (block, shared, num_warps, constexpr, …)
  Location at, grid_at, args_at, out_at;
};

struct Plan {
  std::optional<Located> supports;
  Location supports_at;                                      // the key
  std::vector<std::pair<Located, std::vector<Value>>> tune;  // axes in order of appearance
  std::optional<Located> where;
  Location tune_at;
  std::vector<std::pair<Located, PlanArgument>> loops;
  std::vector<Scratch> scratch;
  std::vector<Step> steps;
  Location at;
};

// A candidate whose plan was read.
struct Source {
  Candidate candidate;
  Plan plan;
};

// One choice of values for the tune axes, in their order.
using TunePoint = std::vector<std::pair<std::string, Value>>;
[[nodiscard]] std::string to_string(const TunePoint& point);  // "BM=48 BN=64"

// Finds and reads the plan. Errors (kind candidate) point at line and column in the candidate's text.
[[nodiscard]] Result<Source> read_source(Candidate candidate);
// All points of the product that `where` admits; one empty point where there are no axes.
[[nodiscard]] Result<std::vector<TunePoint>> tune_points(const Source& source);
// Everything that can be checked without running: names, expressions, grids, schemas that are known, on this workload
// at this point. Results of calls are unknown here; what depends on them is checked by the runner when it binds the
// plan. `threads` is the number that the runner will have; 0: as many as this machine has.
[[nodiscard]] Result<> lint(const Source& source, const Workload& workload, const TunePoint& point, int threads = 0);
// Whether `supports` admits the workload.
[[nodiscard]] Result<bool> supports(const Source& source, const Workload& workload);
// The error to report where `supports` does not admit the primary workload: points at the key.
[[nodiscard]] Error not_supported(const Source& source, const Workload& workload);
// Whether an argument is the tensor of that name, or holds it: in a list, in a tensor map.
[[nodiscard]] bool mentions(const PlanArgument& argument, std::string_view tensor);
// The kernel or operator of the last step that may write the output: where errors of a run point (a wrong or unwritten
// element). The plan itself if there is none.
[[nodiscard]] Located last_writer(const Source& source, std::string_view output);
// Whether the step is a call, done once, and nothing but its results touches the output: it may be adopted (bind.h).
[[nodiscard]] bool only_gives(const Plan& plan, const Step& step, std::string_view output);

inline constexpr std::size_t max_tune_points = 64;

}  // namespace kerf
