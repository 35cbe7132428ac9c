// TOML to Plan. Everything that needs no workload is checked here: keys, types of values, names, limits.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <initializer_list>

#include "candidate/bind.h"
#include "candidate/identifiers.h"
#include "candidate/plan.h"
#include "candidate/plan_error.h"
#include "candidate/plan_names.h"
#include "candidate/plan_text.h"
#include "candidate/toml_text.h"

namespace kerf {
namespace {

using Keys = std::vector<std::string_view>;

Keys launch_keys(Language language) {
  Keys keys = {"launch", "grid", "args", "for", "phase"};
  switch (language) {
    case Language::cpp:
      break;
    case Language::cuda:
    case Language::hip:
      keys.insert(keys.end(), {"block", "shared", "cluster", "cooperative"});
      break;
    case Language::triton:
    case Language::gluon:
      keys.insert(keys.end(), {"constexpr", "num_warps", "num_stages"});
      break;
  }
  return keys;
}

const char* kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a float";
    case toml::node_type::boolean:
      return "a bool";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      break;
  }
  return "a date or time";
}

class Reader {
 public:
  Reader(const PlanText& text, Language language) : text_(text), toml_(text), language_(language) {}

  Result<Plan> read(const toml::table& root) {
    Plan plan;
    plan.at = text_.begin;
    TRY(check_keys(root, {"version", "supports", "tune", "loops", "scratch", "step"}, "a plan"));
    TRY(read_version(root));
    if (const auto* node = root.get("supports")) {
      plan.supports_at = key_of(root, "supports").at;
      plan.supports = TRY(string(*node, "supports"));
    }
    if (const auto* node = root.get("tune")) TRY(read_tune(*node, key_of(root, "tune"), plan));
    if (const auto* node = root.get("loops")) TRY(read_loops(*node, plan));
    for (const toml::table* table : TRY(tables(root, "scratch"))) plan.scratch.push_back(TRY(read_scratch(*table)));
    for (const toml::table* table : TRY(tables(root, "step"))) {
      if (plan.steps.size() == max_steps) {
        return refuse("limit", fmt::format("more than {} steps", max_steps), place(*table));
      }
      plan.steps.push_back(TRY(read_step(*table)));
    }
    if (plan.steps.empty()) return refuse("key", "the plan has no [[step]]: expected at least one", plan.at);
    TRY(check_own_names(plan));
    return plan;
  }

 private:
  [[nodiscard]] Location place(const toml::source_position& at) const {
    return text_.in_candidate(static_cast<int>(at.line), static_cast<int>(at.column));
  }
  [[nodiscard]] Location place(const toml::node& node) const { return place(node.source().begin); }

  [[nodiscard]] Located key_of(const toml::table& table, std::string_view name) const {
    const auto it = table.find(name);
    return it == table.end() ? Located{} : located(it->first);
  }
  [[nodiscard]] Located located(const toml::key& key) const {
    return {.text = std::string(key.str()), .at = place(key.source().begin)};
  }

  // Items of a table in the order in which they stand in the text.
  [[nodiscard]] static std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
    std::vector<std::pair<const toml::key*, const toml::node*>> items;
    for (auto it = table.cbegin(); it != table.cend(); ++it) items.emplace_back(&it->first, &it->second);
    std::ranges::sort(items, [](const auto& a, const auto& b) {
      const toml::source_position &x = a.first->source().begin, &y = b.first->source().begin;
      return x.line != y.line ? x.line < y.line : x.column < y.column;
    });
    return items;
  }

  Result<> check_keys(const toml::table& table, const Keys& known, std::string_view where) const {
    for (const auto& [key, node] : in_order(table)) {
      if (std::ranges::find(known, key->str()) != known.end()) continue;
      std::string message = fmt::format("unknown key `{}` in {}: ", key->str(), where);
      const std::string_view near = nearest(key->str(), known);
      message += near.empty() ? fmt::format("expected one of {}", fmt::join(known, ", "))
                              : fmt::format("did you mean `{}`?", near);
      return refuse("key", message, located(*key).at);
    }
    return {};
  }

  Result<> wrong_type(const toml::node& node, std::string_view what, std::string_view expected) const {
    return refuse("key", fmt::format("{} is {}: expected {}", what, kind_of(node), expected), place(node));
  }

  Result<> read_version(const toml::table& root) const {
    const toml::node* node = root.get("version");
    if (!node) return refuse("version", "the plan has no version: expected `version = 1`", text_.begin);
    const auto version = node->value_exact<std::int64_t>();
    if (version == 1) return {};
    const std::string found = version ? fmt::format("{}", *version) : kind_of(*node);
    return refuse("version", fmt::format("version is {}: expected 1", found), key_of(root, "version").at);
  }

  Result<Located> string(const toml::node& node, std::string_view what) const {
    const auto* value = node.as_string();
    if (!value) TRY(wrong_type(node, what, "a string"));
    const toml::source_position& at = node.source().begin;
    return toml_.locate(value->get(), static_cast<int>(at.line), static_cast<int>(at.column));
  }

  Result<Located> name(const toml::node& node, std::string_view what) const {
    Located located = TRY(string(node, what));
    if (const std::string why = why_no_name(located.text); !why.empty()) return refuse("name", why, located.at);
    return located;
  }

  Result<std::vector<const toml::table*>> tables(const toml::table& root, std::string_view name) const {
    std::vector<const toml::table*> result;
    const toml::node* node = root.get(name);
    if (!node) return result;
    const toml::array* array = node->as_array();
    if (!array) {
      TRY(wrong_type(*node, name, fmt::format("an array of tables, each under [[{}]]", name)));
      return result;
    }
    for (const toml::node& each : *array) {
      if (!each.is_table()) TRY(wrong_type(each, name, "a table"));
      result.push_back(each.as_table());
    }
    return result;
  }

  Result<PlanArgument> argument(const toml::node& node, std::string_view what, bool table_allowed = false) const {
    PlanArgument result;
    result.at = place(node);
    if (const auto* integer = node.as_integer()) {
      result.is = Value{integer->get()};
    } else if (const auto* number = node.as_floating_point()) {
      result.is = Value{number->get()};
    } else if (const auto* boolean = node.as_boolean()) {
      result.is = Value{boolean->get()};
    } else if (node.is_string()) {
      Located text = TRY(string(node, what));
      result.at = text.at;
      result.is = std::move(text);
    } else if (const auto* array = node.as_array()) {
      result.is = TRY(arguments(*array, what));
    } else if (const auto* table = node.as_table(); table && table_allowed) {
      result.is = TRY(argument_table(*table, what));
    } else {
      TRY(wrong_type(node, what, "a number, a bool, a string or an array of them"));
    }
    return result;
  }

  Result<PlanArgumentList> arguments(const toml::array& array, std::string_view what,
                                     bool tables_allowed = false) const {
    PlanArgumentList result;
    for (const toml::node& each : array) result.push_back(TRY(argument(each, what, tables_allowed)));
    return result;
  }

  Result<PlanArgumentTable> argument_table(const toml::table& table, std::string_view what) const {
    PlanArgumentTable result;
    for (const auto& [key, node] : in_order(table)) result.emplace_back(located(*key), TRY(argument(*node, what)));
    return result;
  }

  Result<PlanArgumentList> array(const toml::node& node, std::string_view what, bool tables_allowed = false) const {
    if (!node.is_array()) TRY(wrong_type(node, what, "an array"));
    return arguments(*node.as_array(), what, tables_allowed);
  }

  Result<> read_tune(const toml::node& node, const Located& key, Plan& plan) const {
    if (!node.is_table()) TRY(wrong_type(node, "tune", "a table of axes"));
    plan.tune_at = key.at;
    for (const auto& [axis, values] : in_order(*node.as_table())) {
      const std::string text(axis->str());
      if (text == "where") {
        plan.where = TRY(string(*values, "where"));
        continue;
      }
      const Located name = located(*axis);
      if (const std::string why = why_no_name(text); !why.empty()) return refuse("name", why, name.at);
      if (!values->is_array() || values->as_array()->empty()) TRY(wrong_type(*values, text, "an array of values"));
      std::vector<Value> choices;
      for (const toml::node& each : *values->as_array()) {
        const PlanArgument choice = TRY(argument(each, text));
        const Value* value = std::get_if<Value>(&choice.is);
        const double* number = value ? std::get_if<double>(&value->is) : nullptr;
        if (!value || (number && !std::isfinite(*number)))
          TRY(wrong_type(each, "a value of " + text, "a finite number or a bool"));
        if (!choices.empty() && choices.front().is.index() != value->is.index()) {
          return refuse(
              "type", fmt::format("{} mixes {} with other types: its values become one constant", text, kind_of(each)),
              place(each));
        }
        if (std::ranges::find(choices, *value) != choices.end()) {
          return refuse("tune", fmt::format("{} has the value {} twice", text, to_string(*value)), place(each));
        }
        choices.push_back(*value);
      }
      plan.tune.emplace_back(name, std::move(choices));
    }
    return {};
  }

  Result<> read_loops(const toml::node& node, Plan& plan) const {
    if (!node.is_table()) TRY(wrong_type(node, "loops", "a table of counters"));
    for (const auto& [counter, count] : in_order(*node.as_table())) {
      const Located name = located(*counter);
      if (const std::string why = why_no_name(name.text); !why.empty()) return refuse("name", why, name.at);
      if (!count->is_integer() && !count->is_string())
        TRY(wrong_type(*count, name.text, "a count: an integer or an expression"));
      plan.loops.emplace_back(name, TRY(argument(*count, name.text)));
    }
    return {};
  }

  Result<Scratch> read_scratch(const toml::table& table) const {
    TRY(check_keys(table, {"name", "dtype", "shape", "zero"}, "a [[scratch]]"));
    Scratch scratch;
    scratch.at = place(table);
    for (const char* key : {"name", "dtype", "shape"}) {
      if (!table.contains(key)) return refuse("key", fmt::format("a [[scratch]] without `{}`", key), scratch.at);
    }
    const Located named = TRY(name(*table.get("name"), "name"));
    scratch.name = named.text;
    scratch.name_at = named.at;
    const Located dtype = TRY(string(*table.get("dtype"), "dtype"));
    const std::optional<Dtype> known = dtype_from(dtype.text);
    if (!known) {
      return refuse(
          "type",
          fmt::format("unknown dtype `{}`: expected f64, f32, bf16, f16, i64, i32, i16, i8, u8 or bool", dtype.text),
          dtype.at);
    }
    scratch.dtype = *known;
    scratch.shape_at = place(*table.get("shape"));
    scratch.shape = TRY(array(*table.get("shape"), "shape"));
    if (const toml::node* zero = table.get("zero")) {
      if (!zero->is_boolean()) TRY(wrong_type(*zero, "zero", "true or false"));
      scratch.zero = zero->as_boolean()->get();
    }
    return scratch;
  }

  Result<Step> read_step(const toml::table& table) const {
    Step step;
    step.at = place(table);
    const bool launch = table.contains("launch");
    if (launch == table.contains("call")) {
      return refuse("key",
                    launch ? "a step with both `launch` and `call`: expected one of them"
                           : "a step without `launch` or `call`: expected one of them",
                    step.at);
    }
    const Keys keys = launch ? launch_keys(language_) : Keys{"call", "args", "kwargs", "out", "for", "phase"};
    TRY(check_keys(table, keys, launch ? fmt::format("a launch ({})", to_string(language_)) : "a call"));
    step.kind = launch ? Step::Kind::launch : Step::Kind::call;
    step.target = TRY(string(*table.get(launch ? "launch" : "call"), launch ? "launch" : "call"));
    step.args_at = step.target.at;
    if (const toml::node* args = table.get("args")) {
      step.args_at = place(*args);
      step.args = TRY(array(*args, "args", language_ == Language::cuda || language_ == Language::hip));
    }
    if (const toml::node* loop = table.get("for")) step.loop = TRY(string(*loop, "for"));
    if (const toml::node* phase = table.get("phase")) {
      const Located text = TRY(string(*phase, "phase"));
      if (text.text != "prepare")
        return refuse("key", fmt::format("phase is `{}`: the only one is `prepare`", text.text), text.at);
      step.prepare = true;
    }
    TRY(launch ? read_launch(table, step) : read_call(table, step));
    return step;
  }

  Result<> read_launch(const toml::table& table, Step& step) const {
    const bool templates = language_ == Language::cuda || language_ == Language::hip;
    const std::string_view kernel =
        std::string_view(step.target.text).substr(0, templates ? step.target.text.find('<') : std::string::npos);
    if (!is_identifier(kernel)) {
      return refuse("kernel",
                    fmt::format("`{}` is no name of a kernel: expected a function of the source", step.target.text),
                    step.target.at);
    }
    const toml::node* grid = table.get("grid");
    if (!grid) return refuse("key", "a launch without `grid`", step.at);
    step.grid_at = place(*grid);
    step.grid = TRY(array(*grid, "grid"));
    if (step.grid.empty() || step.grid.size() > 3) {
      return refuse("grid", fmt::format("a grid of {} dimensions: expected 1 to 3", step.grid.size()), step.grid_at);
    }
    for (const auto& [key, node] : in_order(table)) {
      static constexpr std::array<std::string_view, 5> common = {"launch", "grid", "args", "for", "phase"};
      if (std::ranges::find(common, key->str()) != common.end()) continue;
      step.keys.emplace_back(located(*key), TRY(argument(*node, key->str(), key->str() == "constexpr")));
    }
    return {};
  }

  Result<> read_call(const toml::table& table, Step& step) const {
    if (const toml::node* kwargs = table.get("kwargs")) {
      if (!kwargs->is_table()) TRY(wrong_type(*kwargs, "kwargs", "a table: { name = value }"));
      step.kwargs = TRY(argument_table(*kwargs->as_table(), "an argument"));
    }
    const toml::node* out = table.get("out");
    if (!out)
      return refuse("key", "a call without `out`: expected a name for its result, or \"_\" to drop it", step.at);
    step.out_at = place(*out);
    step.out_is_list = out->is_array();
    if (!step.out_is_list) {
      step.out.push_back(TRY(result_name(*out)));
      return {};
    }
    for (const toml::node& each : *out->as_array()) step.out.push_back(TRY(result_name(each)));
    if (step.out.empty())
      return refuse("key", "out is empty: expected a name for each result, \"_\" drops one", step.out_at);
    return {};
  }

  Result<Located> result_name(const toml::node& node) const {
    const Located located = TRY(string(node, "out"));
    if (located.text == "_") return located;
    return name(node, "out");
  }

  const PlanText& text_;
  TomlText toml_;
  Language language_;
};

}  // namespace

Result<Source> read_source(Candidate candidate) {
  if (candidate.text.size() > max_candidate_bytes) {
    return refuse("limit",
                  fmt::format("{} bytes of text: expected at most {}", candidate.text.size(), max_candidate_bytes),
                  {1, 1});
  }
  const PlanText text = TRY(find_plan(candidate.text, candidate.language));
  if (const auto stray = stray_character(text.toml)) {
    const std::string_view before = std::string_view(text.toml).substr(0, *stray);
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return refuse("syntax", "a character outside of ASCII: expected such only in strings and comments",
                  text.in_candidate(static_cast<int>(line), code_points(before.substr(start), before.size()) + 1));
  }
  toml::table root;
  try {
    root = toml::parse(std::string_view(text.toml));
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    return refuse("syntax", fmt::format("not TOML: {}", error.description()),
                  text.in_candidate(static_cast<int>(at.line), static_cast<int>(at.column)));
  }
  Plan plan = TRY(Reader(text, candidate.language).read(root));
  return Source{.candidate = std::move(candidate), .plan = std::move(plan)};
}

}  // namespace kerf
