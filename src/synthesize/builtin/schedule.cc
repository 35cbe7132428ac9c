#include "synthesize/builtin/schedule.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/scan_schedule.h"
#include "synthesize/builtin/triton_schedule.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

constexpr std::array sketch_names = {"flat", "rows", "columns", "split", "product", "attention"};
constexpr std::array factors_names = {"coarse", "two_parts", "three_parts", "three_parts_before"};

}  // namespace

std::int64_t bytes_in_a_row(const Region& region) {
  std::int64_t bytes = 0;
  std::set<std::pair<std::string, int>> windowed;
  for (const Instruction& i : region.code) {
    if (i.form != Instruction::Form::load || (i.axes & region.reduced) == 0) continue;
    if (!i.access.windows.empty() && !windowed.insert({i.access.tensor.name, i.access.tensor.index}).second) continue;
    std::int64_t n = bytes_of(i.access.type);
    for (const Subscript& s : i.access.subscripts)
      if (region.is_reduced(s.axis)) n *= region.axes[static_cast<std::size_t>(s.axis)].extent.values[0];
    bytes += n;
  }
  return bytes;
}

const char* to_string(Sketch sketch) { return sketch_names.at(static_cast<std::size_t>(sketch)); }

const char* to_string(Factors factors) { return factors_names.at(static_cast<std::size_t>(factors)); }

nlohmann::json to_json(const Schedule& s) {
  nlohmann::json made = {{"sketch", to_string(s.sketch)},
                         {"block", s.block},
                         {"unroll", s.unroll},
                         {"accumulators", s.accumulators},
                         {"chunk", s.chunk},
                         {"streaming", s.streaming},
                         {"joint", s.joint},
                         {"keep", s.keep},
                         {"ahead", s.ahead}};
  const Schedule cpu;
  if (s.width != cpu.width) made["width"] = s.width;
  if (s.lanes != cpu.lanes) made["lanes"] = s.lanes;
  if (s.resident != cpu.resident) made["resident"] = s.resident;
  if (s.hold) made["hold"] = true;
  if (s.overlap) made["overlap"] = true;
  if (s.across) made["across"] = true;
  if (s.stages != 0) made["stages"] = s.stages;
  if (s.turned || s.sketch == Sketch::product) made["turned"] = s.turned;
  if (s.sketch == Sketch::attention) {
    made["tile"] = s.tile;
    made["factors"] = to_string(s.factors);
  }
  if (s.sketch == Sketch::product) {
    made["tile"] = s.tile;
    made["swizzle"] = s.swizzle;
    made["pieces"] = s.pieces;
    made["factors"] = to_string(s.factors);
  }
  return made;
}

Result<Schedule> schedule_from_json(const nlohmann::json& json) {
  try {
    Schedule s;
    const auto sketch = json.at("sketch").get<std::string>();
    const auto* const found = std::ranges::find(sketch_names, sketch);
    if (found == sketch_names.end()) return fail(ErrorKind::internal, "a recipe names an unknown sketch: " + sketch);
    s.sketch = static_cast<Sketch>(found - sketch_names.begin());
    s.block = json.at("block").get<std::vector<std::int64_t>>();
    s.unroll = json.at("unroll").get<std::int64_t>();
    s.accumulators = json.at("accumulators").get<std::int64_t>();
    s.chunk = json.at("chunk").get<std::int64_t>();
    s.streaming = json.at("streaming").get<bool>();
    s.joint = json.at("joint").get<bool>();
    s.keep = json.at("keep").get<bool>();
    s.ahead = json.at("ahead").get<bool>();
    s.width = json.value("width", s.width);
    s.lanes = json.value("lanes", s.lanes);
    s.resident = json.value("resident", s.resident);
    s.hold = json.value("hold", false);
    s.overlap = json.value("overlap", false);
    s.across = json.value("across", false);
    s.stages = json.value("stages", s.stages);
    s.tile = json.value("tile", s.tile);
    s.swizzle = json.value("swizzle", s.swizzle);
    s.pieces = json.value("pieces", s.pieces);
    s.turned = json.value("turned", false);
    const auto factors = json.value("factors", std::string(to_string(s.factors)));
    const auto* const as = std::ranges::find(factors_names, factors);
    if (as == factors_names.end()) return fail(ErrorKind::internal, "a recipe names unknown factors: " + factors);
    s.factors = static_cast<Factors>(as - factors_names.begin());
    return s;
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorKind::internal, fmt::format("a recipe's schedule cannot be read: {}", e.what()));
  }
}

CacheFacts machine_facts(const nlohmann::json& target, Language language) {
  CacheFacts facts;
  facts.language = language;
  const auto member = [](const nlohmann::json& at, const char* key) -> const nlohmann::json* {
    const auto it = at.is_object() ? at.find(key) : at.end();
    return it == at.end() ? nullptr : &*it;
  };
  const auto take = [&](std::int64_t& into, const nlohmann::json& at, const char* key) {
    if (const auto* number = member(at, key); number && number->is_number() && number->get<std::int64_t>() > 0)
      into = number->get<std::int64_t>();
  };
  if (const auto* gpu = member(target, "gpu"); gpu && gpu->is_object()) {  // the caches beside it are the host's
    take(facts.sms, *gpu, "sms");
    take(facts.l2_bytes, *gpu, "l2_bytes");
    return facts;
  }
  const auto* machine = member(target, "machine");
  if (machine) take(facts.threads, *machine, "cores");
  take(facts.threads, target, "threads");
  const auto* caches = machine ? member(*machine, "caches") : nullptr;
  if (!caches || !caches->is_array()) return facts;
  for (const nlohmann::json& cache : *caches) {
    const auto* level = member(cache, "level");
    if (!level || !level->is_number()) continue;
    if (*level == 1) take(facts.l1_bytes, cache, "bytes");
    if (*level == 2) take(facts.l2_bytes, cache, "bytes");
    if (*level == 3) take(facts.l3_bytes, cache, "bytes");
  }
  return facts;
}

Schedule default_schedule(const Region& region, const CacheFacts& machine) {
  if (region.scanned != 0) return default_scan_schedule(region, machine);
  if (machine.language == Language::triton) return default_triton_schedule(region, machine);
  if (machine.language != Language::cpp) return default_gpu_schedule(region, machine);
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
  // Stores that no cache will hold until they are read are better sent past the caches: no line is read to be
  // overwritten.
  s.streaming = bytes > 2 * machine.l2_bytes;
  const auto wish = [&](bool Schedule::* what) {
    s.*what = true;
    if (!illegal(region, s).empty()) s.*what = false;
  };
  if (region.reduced == 0) {
    s.sketch = Sketch::flat;
    s.block = {fair(kept, 32768)};
    if (turned(region)) s.block = {256};
    s.unroll = has_windows(region) ? 1 : 4;  // windows are written out already
    return s;
  }
  if (!region.is_reduced(static_cast<int>(region.axes.size()) - 1)) {
    s.sketch = Sketch::columns;
    const std::int64_t inner = region.axes.back().extent.values[0];
    s.block = inner >= 2048 ? std::vector<std::int64_t>{512, 2048} : std::vector<std::int64_t>{256};
    return s;
  }
  s.sketch = Sketch::split;
  s.block = {fair(kept * reduced, 65536)};
  if (kept < 4 * machine.threads && reduced >= 16384 && illegal(region, s).empty()) {
    wish(&Schedule::joint);
    return s;
  }
  s.sketch = Sketch::rows;
  s.block = {16384};
  const std::int64_t row = bytes_in_a_row(region);
  // What a later pass finds in a cache costs little to pass over again, and less than what joining passes costs, if
  // that is an exponential; a row that no cache holds is read from memory in every pass.
  const std::vector<Joint> joint = joints(region);
  const bool exponentials =
      std::ranges::any_of(joint, [](const Joint& j) { return j.kind == Joint::Kind::exponentials; });
  if (row > machine.l2_bytes / 2 || !exponentials) wish(&Schedule::joint);
  if (row <= machine.l2_bytes / 2) wish(&Schedule::keep);
  if (row <= machine.l2_bytes / 4) wish(&Schedule::ahead);
  return s;
}

std::string illegal(const Region& region, const Schedule& s, Language language) {
  if (region.scanned != 0) return illegal_scan(region, s, language);
  if (language == Language::triton) return illegal_in_triton(region, s);
  if (language != Language::cpp) return illegal_on_gpu(region, s);
  const bool inner_reduced = !region.axes.empty() && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
  if (s.block.empty() || std::ranges::any_of(s.block, [](std::int64_t b) { return b < 16 || b % 16 != 0; }))
    return "a block is a positive multiple of 16 elements";
  if (s.unroll < 1 || s.unroll > 16 || s.accumulators < 1 || s.accumulators > 16)
    return "unroll and accumulators are 1 to 16";
  if (s.chunk < 16 || s.chunk > 65536) return "chunks have 16 to 65536 elements";
  const bool by_rows = s.sketch == Sketch::rows || s.sketch == Sketch::split;
  if (s.joint && (!by_rows || joints(region).empty())) return "no reductions that could share a pass";
  if (s.keep && (s.sketch != Sketch::rows || !kept_value(region, s))) return "no pass computes anything worth keeping";
  if (s.ahead && (s.sketch != Sketch::rows || !later_pass(region, s))) return "no pass that rows could be fetched in";
  switch (s.sketch) {
    case Sketch::flat:
      if (turned(region) && s.block.back() > max_turned) return "what is turned lies on the stack";
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
        if (i.form == Instruction::Form::reduce && (i.reduce == ReduceOp::prod || is_position(i.reduce)))
          return "products and positions are not split";
      return "";
    }
    case Sketch::product:
    case Sketch::attention:
      return "products of matrices are left to the library";
  }
  return "unknown sketch";
}

}  // namespace kerf
