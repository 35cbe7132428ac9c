// Launches: arguments become typed values, and are compared with what the compiled kernel takes.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "candidate/arithmetic.h"
#include "candidate/binder.h"
#include "candidate/plan_error.h"

namespace kerf {

const char* to_string(BoundArgument::Kind kind) {
  static constexpr std::array<const char*, 9> names = {"tensor", "tensor_map", "i64",  "i64",    "i32",
                                                       "f32",    "f64",        "bool", "unknown"};
  return names.at(static_cast<std::size_t>(kind));
}

Result<> Binder::launch(std::size_t i) {
  const Step& step = plan_.steps[i];
  BoundLaunch launch{.kernel = step.target.text, .grid = {}, .args = {}};
  bool unknown = false;
  for (const PlanArgument& argument : step.args) launch.args.push_back(TRY(launch_argument(argument, step, unknown)));
  TRY(check_strides(step, launch));
  std::int64_t tasks = 1;
  for (const PlanArgument& extent : step.grid) {
    const std::optional<std::int64_t> value = TRY(integer(extent, step, "an extent of the grid"));
    unknown = unknown || !value;
    if (!value) continue;
    if (*value < 1)
      return refuse("grid", fmt::format("an extent of the grid is {}: expected at least 1", *value), extent.at);
    if (__builtin_mul_overflow(tasks, *value, &tasks))
      return refuse("grid", "a grid of more than 2^63 tasks", extent.at);
    launch.grid.push_back(*value);
  }
  launch.block = TRY(block(step, unknown));
  launch.programs = TRY(programs(step, unknown));
  const std::optional<std::vector<std::string>> prototype = TRY(machine_.prototype(step.target.text));
  if (prototype) TRY(check_prototype(step, launch, *prototype));

  for (std::size_t a = 0; a < launch.args.size(); ++a) {
    const BoundArgument& argument = launch.args[a];
    if (!argument.reaches_memory() || !writable(argument.tensor, step)) continue;
    const bool reads_only = prototype && a < prototype->size() && (*prototype)[a].starts_with("const ");
    if (!reads_only) note_write(argument.tensor, step);
  }
  BoundStep bound{.does = std::move(launch),
                  .step = static_cast<int>(i),
                  .prepare = step.prepare,
                  .at = step.target.at,
                  .release = {}};
  if (!unknown) {
    if (auto done = machine_.launch(bound, std::get<BoundLaunch>(bound.does)); !done) {
      Error error = std::move(done).error();
      if (!error.at && error.kind == ErrorKind::candidate) error.at = step.target.at;
      return std::unexpected(std::move(error));
    }
  }
  push(std::move(bound));
  return {};
}

// What a language with blocks adds to a launch. How large they may be is the target's to say.
Result<std::optional<BoundBlock>> Binder::block(const Step& step, bool& unknown) {
  const Language language = request_.source->candidate.language;
  if (language != Language::cuda && language != Language::hip) return std::nullopt;
  BoundBlock bound{.at = step.at, .shared_at = step.at};
  const auto place = [](const PlanArgument& argument) {
    const auto* text = std::get_if<Located>(&argument.is);
    return text ? text->at : argument.at;
  };
  const auto extents = [&](const PlanArgument& argument, const char* what,
                           std::array<std::int64_t, 3>& into) -> Result<> {
    const auto* list = std::get_if<PlanArgumentList>(&argument.is);
    if (list == nullptr || list->empty() || list->size() > 3)
      return refuse("block", fmt::format("{} is a list of 1 to 3 extents: [256]", what), argument.at);
    for (std::size_t d = 0; d < list->size(); ++d) {
      const PlanArgument& each = (*list)[d];
      const std::optional<std::int64_t> value = TRY(integer(each, step, fmt::format("an extent of the {}", what)));
      unknown = unknown || !value;
      if (!value) continue;
      if (*value < 1)
        return refuse("block", fmt::format("an extent of the {} is {}: expected at least 1", what, *value),
                      place(each));
      into[d] = *value;
    }
    return {};
  };
  bool has_block = false;
  for (const auto& [key, argument] : step.keys) {
    if (key.text == "block") {
      TRY(extents(argument, "block", bound.extent));
      bound.at = argument.at;
      has_block = true;
    } else if (key.text == "cluster") {
      TRY(extents(argument, "cluster", bound.cluster));
    } else if (key.text == "shared") {
      const std::optional<std::int64_t> value = TRY(integer(argument, step, "shared"));
      unknown = unknown || !value;
      bound.shared_at = place(argument);
      if (value && *value < 0)
        return refuse("block", fmt::format("shared is {}: expected bytes, at least 0", *value), bound.shared_at);
      bound.shared_bytes = value.value_or(0);
    } else if (key.text == "cooperative") {
      const auto* value = std::get_if<Value>(&argument.is);
      const bool* yes = value ? std::get_if<bool>(&value->is) : nullptr;
      if (yes == nullptr) return refuse("block", "cooperative is true or false", argument.at);
      bound.cooperative = *yes;
    }
  }
  if (!has_block)
    return refuse("block", "a launch without `block`: expected block = [256], the threads of a block", step.at);
  return bound;
}

// What Triton adds to a launch. Which constexpr parameters there are is the compiled source's to say.
Result<std::optional<BoundPrograms>> Binder::programs(const Step& step, bool& unknown) {
  const Language language = request_.source->candidate.language;
  if (language != Language::triton && language != Language::gluon) return std::nullopt;
  BoundPrograms bound{.constexprs = {}, .num_warps_at = step.at};
  const auto place = [](const PlanArgument& argument) {
    const auto* text = std::get_if<Located>(&argument.is);
    return text ? text->at : argument.at;
  };
  for (const auto& [key, argument] : step.keys) {
    if (key.text == "constexpr") {
      const auto* table = std::get_if<PlanArgumentTable>(&argument.is);
      if (table == nullptr) return refuse("constexpr", "constexpr is a table: { N = 1024 }", argument.at);
      for (const auto& [name, value] : *table) {
        const Evaluated result = TRY(evaluate(value, step));
        unknown = unknown || result.unknown;
        if (!result.unknown) bound.constexprs.emplace_back(name.text, result.value);
      }
      continue;
    }
    const std::optional<std::int64_t> value = TRY(integer(argument, step, key.text));
    unknown = unknown || !value;
    if (!value) continue;
    if (key.text == "num_warps") {
      constexpr std::int64_t most = 32;  // 1,024 threads
      if (*value < 1 || *value > most || (*value & (*value - 1)) != 0) {
        return refuse("num_warps", fmt::format("num_warps is {}: expected 1, 2, 4, 8, 16 or 32", *value),
                      place(argument));
      }
      bound.num_warps = static_cast<int>(*value);
      bound.num_warps_at = place(argument);
    } else if (key.text == "num_stages") {
      constexpr std::int64_t most = 64;
      if (*value < 1 || *value > most)
        return refuse("num_stages", fmt::format("num_stages is {}: expected 1 to {}", *value, most), place(argument));
      bound.num_stages = static_cast<int>(*value);
    }
  }
  return bound;
}

Result<BoundArgument> Binder::launch_argument(const PlanArgument& argument, const Step& step, bool& unknown) {
  using Kind = BoundArgument::Kind;
  BoundArgument bound{.at = argument.at};
  const auto* text = std::get_if<Located>(&argument.is);
  if (text && text->text == "thread" && !names_.find("thread")) {
    bound.kind = Kind::thread;
    return bound;
  }
  if (const auto name = text ? tensor_name(text->text) : std::nullopt) {
    bound.kind = Kind::tensor;
    bound.tensor = TRY(use_tensor(*name, text->at, step));
    unknown = unknown || !tensor(bound.tensor).spec;
    return bound;
  }
  if (const auto* table = std::get_if<PlanArgumentTable>(&argument.is))
    return tensor_map(*table, argument.at, step, unknown);
  const Evaluated result = TRY(evaluate(argument, step));
  if (result.unknown) {
    unknown = true;
    bound.kind = Kind::unknown;
    return bound;
  }
  if (const auto* boolean = std::get_if<bool>(&result.value.is)) {
    bound.kind = Kind::boolean;
    bound.integer = *boolean ? 1 : 0;
  } else if (const auto* integer = std::get_if<std::int64_t>(&result.value.is)) {
    bound.kind = result.cast == Cast::i32 ? Kind::i32 : Kind::i64;
    bound.integer = *integer;
  } else if (const auto* number = std::get_if<double>(&result.value.is)) {
    bound.kind = result.cast == Cast::f64 ? Kind::f64 : Kind::f32;
    bound.number = bound.kind == Kind::f64 ? *number : static_cast<double>(static_cast<float>(*number));
    if (std::isinf(bound.number) && !std::isinf(*number)) {
      return refuse("type", fmt::format("{} does not fit f32: expected f64(…) around it", to_string(result.value)),
                    argument.at);
    }
  } else {
    return refuse("type",
                  fmt::format("an argument of a kernel is {}, {}: expected a tensor's name, a number or a bool",
                              to_string(result.value), kind_of(result.value)),
                  argument.at);
  }
  return bound;
}

// { tensor_map = "A", box = [64, "BK"], swizzle = 128 }
Result<BoundArgument> Binder::tensor_map(const PlanArgumentTable& table, Location at, const Step& step, bool& unknown) {
  BoundArgument bound{.kind = BoundArgument::Kind::tensor_map, .at = at};
  const PlanArgument* box = nullptr;
  Location swizzle_at = at;
  for (const auto& [key, value] : table) {
    if (key.text == "tensor_map") {
      const auto* text = std::get_if<Located>(&value.is);
      const auto name = text ? tensor_name(text->text) : std::nullopt;
      if (!name) return refuse("tensor_map", "tensor_map names a tensor: tensor_map = \"A\"", value.at);
      bound.tensor = TRY(use_tensor(*name, text->at, step));
    } else if (key.text == "box") {
      box = &value;
    } else if (key.text == "swizzle") {
      const std::optional<std::int64_t> bytes = TRY(integer(value, step, "swizzle"));
      unknown = unknown || !bytes;
      swizzle_at = value.at;
      bound.map.swizzle = bytes.value_or(0);
    } else {
      return refuse("key", fmt::format("`{}` in a tensor map: expected tensor_map, box and swizzle", key.text), key.at);
    }
  }
  const auto* extents = box != nullptr ? std::get_if<PlanArgumentList>(&box->is) : nullptr;
  if (bound.tensor == no_tensor || extents == nullptr) {
    return refuse("tensor_map",
                  "a tensor map is a table with a tensor and the box of a copy: { tensor_map = \"A\", box = [64, 32] }",
                  box != nullptr ? box->at : at);
  }
  bool box_known = true;
  for (const PlanArgument& each : *extents) {
    const std::optional<std::int64_t> extent = TRY(integer(each, step, "an extent of the box"));
    box_known = box_known && extent;
    bound.map.box.push_back(extent.value_or(1));
  }
  const std::optional<TensorSpec>& spec = tensor(bound.tensor).spec;
  unknown = unknown || !spec || !box_known;
  if (unknown) return bound;
  if (const auto fits = tiled(*spec, bound.map); !fits) {
    const bool at_swizzle = fits.error().message.starts_with("swizzle");
    return refuse("tensor_map", fits.error().message, at_swizzle ? swizzle_at : box->at);
  }
  return bound;
}

// A tensor that is not contiguous goes along with one of its strides, so that its kernel can know.
Result<> Binder::check_strides(const Step& step, const BoundLaunch& launch) {
  for (std::size_t a = 0; a < launch.args.size(); ++a) {
    const BoundArgument& argument = launch.args[a];
    if (argument.kind != BoundArgument::Kind::tensor) continue;
    const std::optional<TensorSpec>& spec = tensor(argument.tensor).spec;
    if (!spec || spec->contiguous()) continue;
    const std::string& name = std::get<Located>(step.args[a].is).text;
    bool passed = false;
    for (const PlanArgument& other : step.args) {
      const auto* text = std::get_if<Located>(&other.is);
      if (!text || tensor_name(text->text) || text->text == "thread") continue;
      const Expression* parsed = TRY(expression(*text));
      passed = passed || std::ranges::any_of(parsed->uses(), [&](const Expression::Use& use) {
                 return use.stride && names_.text(use.name) == name;
               });
    }
    if (!passed) {
      return refuse(
          "stride",
          fmt::format("`{0}` is {1}, not contiguous: expected one of its strides ({0}.stride[i]) among the arguments",
                      name, to_string(*spec)),
          argument.at);
    }
  }
  return {};
}

std::string Binder::type_of(const BoundArgument& argument, const Step& step) {
  if (argument.kind == BoundArgument::Kind::unknown) return {};
  if (argument.kind != BoundArgument::Kind::tensor) return to_string(argument.kind);
  const std::optional<TensorSpec>& spec = tensor(argument.tensor).spec;
  if (!spec) return {};
  return fmt::format("{}{}*", writable(argument.tensor, step) ? "" : "const ", to_string(spec->dtype));
}

Result<> Binder::check_prototype(const Step& step, const BoundLaunch& launch,
                                 const std::vector<std::string>& prototype) {
  const std::string& kernel = step.target.text;
  const std::string takes = fmt::format("{}({})", kernel, fmt::join(prototype, ", "));
  if (!prototype.empty() && prototype.front() == "? result") {
    return refuse("prototype", fmt::format("`{}` returns something: expected `void {}(…)`", kernel, kernel),
                  step.target.at);
  }
  const std::size_t indexes = launch.block || launch.programs ? 0 : step.grid.size();
  if ((launch.block || launch.programs) && launch.args.size() != prototype.size()) {
    return refuse("prototype",
                  fmt::format("{} arguments: expected {} for {}", launch.args.size(), prototype.size(), takes),
                  step.args_at);
  }
  if (launch.args.size() + indexes != prototype.size()) {
    return refuse("prototype",
                  fmt::format("{} arguments and {} of the grid, {} in all: expected {} for {}", launch.args.size(),
                              step.grid.size(), launch.args.size() + step.grid.size(), prototype.size(), takes),
                  step.args_at);
  }
  for (std::size_t i = 0; i < launch.args.size(); ++i) {
    const BoundArgument& argument = launch.args[i];
    const std::string given = type_of(argument, step);
    if (given.empty() || prototype[i] == given || prototype[i] == "const " + given) continue;
    // A pointer to what no tensor has (float4) may point into any.
    if (argument.kind == BoundArgument::Kind::tensor &&
        (prototype[i] == "const ?*" || (prototype[i] == "?*" && !given.starts_with("const "))))
      continue;
    std::string message = fmt::format("argument {} is {}: {} takes {} there", i + 1, given, kernel,
                                      prototype[i] == "?" ? "a type that no argument has" : prototype[i]);
    if ("const " + prototype[i] == given) {
      const BoundTensor& read = tensor(argument.tensor);
      message += fmt::format("; `{}` is read-only{}, expected a pointer to const", read.name,
                             storage(argument.tensor).prepared ? " once it is prepared" : "");
    } else if (given == "i64" && prototype[i] == "i32") {
      message += "; expected int64_t in the kernel or i32(…) in the plan";
    } else if (given == "f32" && prototype[i] == "f64") {
      message += "; expected float in the kernel or f64(…) in the plan";
    } else if ((given == "i64" && (prototype[i] == "f32" || prototype[i] == "f64"))) {
      message += fmt::format("; expected int64_t in the kernel or {}(…) in the plan", prototype[i]);
    }
    return refuse("prototype", message, argument.at);
  }
  for (std::size_t i = 0; i < indexes; ++i) {
    const std::string& wanted = prototype[launch.args.size() + i];
    if (wanted != "i64") {
      return refuse("prototype",
                    fmt::format("{} takes {} for index {} of the grid: expected int64_t", kernel, wanted, i),
                    step.grid[i].at);
    }
  }
  return {};
}

}  // namespace kerf
