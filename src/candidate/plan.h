// A plan as data: what stands in a candidate's comment, read and located, not yet bound to a workload.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
};

struct PlanArgument;
using PlanArgumentList = std::vector<PlanArgument>;
// A literal, an expression or tensor name (a string), or a list of such.
struct PlanArgument {
  std::variant<Value, Located, PlanArgumentList> is;
  Location at;
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
  Located target;                     // kernel, or operator ("aten.sum.dim_IntList")
  std::vector<PlanArgument> grid;     // launch
  std::vector<PlanArgument> args;
  std::vector<std::pair<Located, PlanArgument>> kwargs;  // call
  std::vector<Located> out;           // call: names, "_" drops
  bool out_is_list = false;
  std::optional<Located> loop;        // for = "t"
  bool prepare = false;
  Location at, grid_at, args_at, out_at;
};

struct Plan {
  std::optional<Located> supports;
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
// Everything that can be checked without running: names, expressions, grids, schemas that are known, on this workload at
// this point. Results of calls are unknown here; what depends on them is checked by the runner when it binds the plan.
[[nodiscard]] Result<> lint(const Source& source, const Workload& workload, const TunePoint& point);
// Whether `supports` admits the workload.
[[nodiscard]] Result<bool> supports(const Source& source, const Workload& workload);

}  // namespace kerf
