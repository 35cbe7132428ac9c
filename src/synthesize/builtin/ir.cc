#include "synthesize/builtin/ir.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

std::string factor(const std::string& text) {
  return text.find_first_of("+-/%") == std::string::npos ? text : "(" + text + ")";
}

constexpr std::array op_names = {"neg",        "abs",        "exp",  "log",    "log1p", "expm1",    "sqrt",
                                 "rsqrt",      "reciprocal", "sin",  "cos",    "tanh",  "sigmoid",  "erf",
                                 "floor",      "ceil",       "sign", "square", "relu",  "to_float", "logical_not",
                                 "add",        "sub",        "mul",  "div",    "pow",   "maximum",  "minimum",
                                 "eq",         "ne",         "lt",   "le",     "gt",    "ge",       "logical_and",
                                 "logical_or", "where"};
constexpr std::array sketch_names = {"flat", "rows", "columns", "split"};

}  // namespace

bool Extent::is(std::int64_t constant) const {
  return std::ranges::all_of(values, [&](std::int64_t v) { return v == constant; });
}

Extent operator*(const Extent& a, const Extent& b) {
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  Extent made{.text = factor(a.text) + " * " + factor(b.text), .values = a.values};
  for (std::size_t w = 0; w < made.values.size(); ++w) made.values[w] *= b.values[w];
  return made;
}

Extent one(std::size_t workloads) { return {.text = "1", .values = std::vector<std::int64_t>(workloads, 1)}; }

const char* to_string(Op op) { return op_names.at(static_cast<std::size_t>(op)); }
const char* to_string(Sketch sketch) { return sketch_names.at(static_cast<std::size_t>(sketch)); }

const char* to_string(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
    case ReduceOp::prod:
      return "prod";
  }
  return "?";
}

const Subscript* Access::along(int axis) const {
  for (const Subscript& s : subscripts)
    if (s.axis == axis) return &s;
  return nullptr;
}

Extent Region::extent_of(std::uint64_t mask) const {
  Extent made = one(workloads);
  for (std::size_t a = 0; a < axes.size(); ++a)
    if (mask >> a & 1U) made = made * axes[a].extent;
  return made;
}

std::vector<int> Region::reductions(int wave) const {
  std::vector<int> found;
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i].form == Instruction::Form::reduce && code[i].wave == wave) found.push_back(static_cast<int>(i));
  return found;
}

nlohmann::json to_json(const Schedule& s) {
  return {{"sketch", to_string(s.sketch)},  {"block", s.block}, {"vector", s.vector},       {"unroll", s.unroll},
          {"accumulators", s.accumulators}, {"chunk", s.chunk}, {"streaming", s.streaming}, {"keep", s.keep}};
}

Result<Schedule> schedule_from_json(const nlohmann::json& json) {
  try {
    Schedule s;
    const auto sketch = json.at("sketch").get<std::string>();
    const auto* const found = std::ranges::find(sketch_names, sketch);
    if (found == sketch_names.end()) return fail(ErrorKind::internal, "a recipe names an unknown sketch: " + sketch);
    s.sketch = static_cast<Sketch>(found - sketch_names.begin());
    s.block = json.at("block").get<std::vector<std::int64_t>>();
    s.vector = json.at("vector").get<std::int64_t>();
    s.unroll = json.at("unroll").get<std::int64_t>();
    s.accumulators = json.at("accumulators").get<std::int64_t>();
    s.chunk = json.at("chunk").get<std::int64_t>();
    s.streaming = json.at("streaming").get<bool>();
    s.keep = json.at("keep").get<bool>();
    return s;
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorKind::internal, fmt::format("a recipe's schedule cannot be read: {}", e.what()));
  }
}

CacheFacts machine_facts(const nlohmann::json& target) {
  CacheFacts facts;
  // Descriptors nest and name things in their own ways: any number under one of these keys, wherever it stands.
  const auto find = [&](auto&& self, const nlohmann::json& at, const char* key) -> std::optional<std::int64_t> {
    if (!at.is_object()) return std::nullopt;
    if (const auto it = at.find(key); it != at.end() && it->is_number()) return it->get<std::int64_t>();
    for (const auto& [name, value] : at.items())
      if (auto found = self(self, value, key)) return found;
    return std::nullopt;
  };
  const auto take = [&](std::int64_t& into, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
      if (const auto found = find(find, target, key); found && *found > 0) {
        into = *found;
        return;
      }
  };
  take(facts.threads, {"threads", "cores"});
  take(facts.l1_bytes, {"l1_bytes", "l1d_bytes", "l1"});
  take(facts.l2_bytes, {"l2_bytes", "l2"});
  take(facts.l3_bytes, {"l3_bytes", "l3"});
  return facts;
}

std::int64_t bytes_moved(const Region& region) {
  std::int64_t bytes = 0;
  const auto count = [&](const Access& access) {
    std::int64_t n = access.type == Type::i64 ? 8 : access.type == Type::mask ? 1 : 4;
    for (const Subscript& s : access.subscripts) n *= region.axes[static_cast<std::size_t>(s.axis)].extent.values[0];
    bytes += n;
  };
  for (const Instruction& i : region.code)
    if (i.form == Instruction::Form::load) count(i.access);
  for (const RegionStore& store : region.stores) count(store.access);
  return bytes;
}

Schedule default_schedule(const Region& region, const CacheFacts& machine) {
  Schedule s;
  std::uint64_t all = 0;
  for (std::size_t a = 0; a < region.axes.size(); ++a) all |= std::uint64_t{1} << a;
  const std::int64_t kept = region.extent_of(all & ~region.reduced).values[0];
  const std::int64_t reduced = region.extent_of(region.reduced).values[0];
  const std::int64_t bytes = bytes_moved(region);
  // A block is what a task works off: enough to hide handing it out, few enough for every thread to have several.
  const auto fair = [&](std::int64_t elements, std::int64_t wish) {
    std::int64_t block = wish;
    while (block > 1024 && elements / block < 4 * machine.threads) block /= 2;
    return block;
  };
  if (region.reduced == 0) {
    s.sketch = Sketch::flat;
    s.block = {fair(kept, 32768)};
    s.unroll = 4;
  } else if (!region.is_reduced(static_cast<int>(region.axes.size()) - 1)) {
    s.sketch = Sketch::columns;
    const std::int64_t inner = region.axes.back().extent.values[0];
    s.block = inner >= 2048 ? std::vector<std::int64_t>{512, 2048} : std::vector<std::int64_t>{256};
  } else if (kept < 4 * machine.threads && reduced >= 16384) {
    s.sketch = Sketch::split;
    s.block = {fair(kept * reduced, 65536)};
  } else {
    s.sketch = Sketch::rows;
    s.block = {16384};
  }
  // Stores that no cache will hold until they are read are better sent past the caches: no line is read to be
  // overwritten.
  s.streaming = bytes > 2 * machine.l2_bytes;
  if (!illegal(region, s).empty() && s.sketch == Sketch::split) s.sketch = Sketch::rows;
  return s;
}

std::string illegal(const Region& region, const Schedule& s) {
  const bool inner_reduced = !region.axes.empty() && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
  if (s.block.empty() || std::ranges::any_of(s.block, [](std::int64_t b) { return b < 16 || b % 16 != 0; }))
    return "a block is a positive multiple of 16 elements";
  if (s.vector != 16 && s.vector != 1) return "vectors have 16 lanes, or 1";
  if (s.unroll < 1 || s.unroll > 16 || s.accumulators < 1 || s.accumulators > 16)
    return "unroll and accumulators are 1 to 16";
  if (s.chunk < 16 || s.chunk > 65536) return "chunks have 16 to 65536 elements";
  switch (s.sketch) {
    case Sketch::flat:
      return region.reduced == 0 ? "" : "the region reduces";
    case Sketch::rows:
      if (region.reduced == 0) return "the region does not reduce";
      return inner_reduced ? "" : "the innermost axis is kept";
    case Sketch::columns:
      if (region.reduced == 0) return "the region does not reduce";
      return inner_reduced ? "the innermost axis is reduced" : "";
    case Sketch::split: {
      if (region.reduced == 0) return "the region does not reduce";
      if (!inner_reduced) return "the innermost axis is kept";
      for (const Instruction& i : region.code)
        if (i.form == Instruction::Form::reduce && i.reduce == ReduceOp::prod) return "products are not split";
      return "";
    }
  }
  return "unknown sketch";
}

}  // namespace kerf
