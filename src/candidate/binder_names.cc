// The names of a plan while it is bound: what each stands for, and what a step may use of them.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "candidate/arithmetic.h"
#include "candidate/binder.h"
#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

template <class F>
void each_text(const PlanArgument& argument, const F& f) {
  if (const auto* text = std::get_if<Located>(&argument.is)) f(*text);
  if (const auto* list = std::get_if<PlanArgumentList>(&argument.is)) {
    for (const PlanArgument& item : *list) each_text(item, f);
  }
  if (const auto* table = std::get_if<PlanArgumentTable>(&argument.is)) {
    for (const auto& [key, item] : *table) each_text(item, f);
  }
}

// Whether a function of this name can be in the source: the word stands there, or macros paste tokens together.
bool may_define(std::string_view source, std::string_view kernel) {
  if (source.find("##") != std::string_view::npos) return true;
  for (std::size_t at = source.find(kernel); at != std::string_view::npos; at = source.find(kernel, at + 1)) {
    const std::size_t end = at + kernel.size();
    if ((at == 0 || !is_name_part(source[at - 1])) && (end == source.size() || !is_name_part(source[end]))) return true;
  }
  return false;
}

std::string_view behind_plan(std::string_view text, const Plan& plan) {
  for (int line = 1; line < plan.at.line && !text.empty(); ++line)
    text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  const std::size_t open = text.find("/// kerf");
  const std::size_t close = open == std::string_view::npos ? open : text.find("\n", text.find("\n", open) + 1);
  const std::size_t end = close == std::string_view::npos ? close : text.find("///", open + 3);
  return end == std::string_view::npos ? text : text.substr(end);
}

}  // namespace

int Binder::add_name(std::string_view name, NameKind kind, TensorId tensor, Meaning meaning) {
  const int index = names_.add(name);
  if (static_cast<std::size_t>(index) == meanings_.size()) {
    meanings_.push_back({.kind = kind, .tensor = tensor});
    scope_.push_back(std::move(meaning));
  }
  return index;
}

Result<> Binder::give(std::string_view name, Location at, NameKind kind, int index) {
  if (names_.find(name)) {
    const Name& other = meanings_[static_cast<std::size_t>(*names_.find(name))];
    const char* as = other.kind == NameKind::input       ? "an input"
                     : other.kind == NameKind::output    ? "an output"
                     : other.kind == NameKind::parameter ? "a parameter or buffer"
                                                         : "something else";
    return refuse("name", fmt::format("`{}` is the name of {} already: expected a name that hides nothing", name, as),
                  at);
  }
  const int added = add_name(name, kind, no_tensor, {Meaning::Absent{}});
  meanings_[static_cast<std::size_t>(added)].index = index;
  return {};
}

Result<> Binder::add_names() {
  const auto given = [&](const std::string& name, NameKind kind, BoundTensor tensor) {
    const TensorId id = add_tensor(std::move(tensor));
    storages_.back().read_only = kind != NameKind::output;
    const int index = add_name(name, kind, id, {Meaning::Unknown{}});
    set_tensor(index, id);
  };
  using Kind = BoundTensor::Kind;
  for (std::size_t i = 0; i < workload_.tensors.size(); ++i) {
    const NamedTensor& t = workload_.tensors[i];
    given(t.name, t.role == Role::input ? NameKind::input : NameKind::parameter,
          {.kind = Kind::given, .name = t.name, .index = static_cast<int>(i), .spec = t.spec});
  }
  for (std::size_t i = 0; i < workload_.outputs.size(); ++i) {
    const std::string name = workload_.output_name(i);
    given(name, NameKind::output,
          {.kind = Kind::output, .name = name, .index = static_cast<int>(i), .spec = workload_.outputs[i]});
  }
  for (const auto& [name, value] : workload_.init) add_name("init." + name, NameKind::init, no_tensor, {value});
  add_name("threads", NameKind::threads, no_tensor, {Value{std::int64_t{request_.threads}}});

  for (const auto& [axis, values] : plan_.tune) TRY(give(axis.text, axis.at, NameKind::axis));
  for (const auto& [name, value] : request_.tune) {
    if (const auto axis = names_.find(name)) scope_[static_cast<std::size_t>(*axis)].is = value;
  }
  for (const auto& [counter, count] : plan_.loops) {
    TRY(give(counter.text, counter.at, NameKind::counter));
    scope_.back().is = Meaning::Absent{fmt::format("is known only in steps with `for = \"{}\"`", counter.text)};
  }
  for (std::size_t i = 0; i < plan_.scratch.size(); ++i) {
    const Scratch& scratch = plan_.scratch[i];
    TRY(give(scratch.name, scratch.name_at, NameKind::scratch, static_cast<int>(i)));
    scope_.back().is = Meaning::Absent{"has no shape yet: its shape depends on what a later step gives"};
    scratch_names_.push_back(static_cast<int>(names_.size()) - 1);
  }
  for (const Step& step : plan_.steps) {
    for (const Located& out : step.out) {
      if (out.text == "_") continue;
      if (const auto known = names_.find(out.text)) {
        const NameKind kind = meanings_[static_cast<std::size_t>(*known)].kind;
        if (kind == NameKind::output || kind == NameKind::scratch || kind == NameKind::result) continue;
      } else if (is_output_name(out.text)) {
        return refuse(
            "name",
            fmt::format("there is no output `{}`: expected {}", out.text,
                        workload_.outputs.size() == 1 ? "`out`"
                                                      : fmt::format("`out0` to `out{}`", workload_.outputs.size() - 1)),
            out.at);
      }
      TRY(give(out.text, out.at, NameKind::result));
      scope_.back().is =
          Meaning::Absent{fmt::format("is the result of the step at line {}, which runs later", step.at.line)};
    }
  }
  return {};
}

Result<> Binder::check_outputs_are_named() const {
  std::set<std::string_view> named;
  const auto note = [&](const Located& text) { named.insert(text.text); };
  for (const Step& step : plan_.steps) {
    for (const PlanArgument& each : step.args) each_text(each, note);
    for (const auto& [key, each] : step.kwargs) each_text(each, note);
    for (const Located& out : step.out) note(out);
  }
  for (std::size_t i = 0; i < workload_.outputs.size(); ++i) {
    const std::string name = workload_.output_name(i);
    if (!named.contains(name)) {
      return refuse("output",
                    fmt::format("no step writes `{0}`: expected it among a launch's args or as a call's out", name),
                    plan_.at);
    }
  }
  return {};
}

// Names are checked everywhere before anything runs, also in steps that a loop of no rounds leaves out. What a call's
// argument is, only the operator's schema says.
Result<> Binder::parse_all() {
  const auto parse = [this](const PlanArgument& argument) -> Result<> {
    Result<> result;
    each_text(argument, [&](const Located& text) {
      if (!result || text.text == "thread" || tensor_name(text.text)) return;
      if (const auto parsed = expression(text); !parsed) result = std::unexpected(parsed.error());
    });
    return result;
  };
  for (const auto& [counter, count] : plan_.loops) TRY(parse(count));
  for (const Scratch& scratch : plan_.scratch) {
    for (const PlanArgument& extent : scratch.shape) TRY(parse(extent));
  }
  const std::string_view code = behind_plan(request_.source->candidate.text, plan_);
  for (const Step& step : plan_.steps) {
    if (step.kind != Step::Kind::launch) continue;
    const std::string_view kernel = std::string_view(step.target.text).substr(0, step.target.text.find('<'));
    if (!may_define(code, kernel)) {
      return refuse("kernel", fmt::format("no kernel `{}` in the source", kernel), step.target.at);
    }
    for (const PlanArgument& extent : step.grid) TRY(parse(extent));
    for (const PlanArgument& argument : step.args) TRY(parse(argument));
    for (const auto& [key, argument] : step.keys) TRY(parse(argument));
  }
  return {};
}

Result<const Expression*> Binder::expression(const Located& text) {
  if (const auto it = expressions_.find(&text); it != expressions_.end()) return &it->second;
  Expression parsed = TRY(Expression::parse(text, names_));
  return &expressions_.emplace(&text, std::move(parsed)).first->second;
}

Result<Evaluated> Binder::evaluate(const Located& text, const Step& step) {
  const Expression* parsed = TRY(expression(text));
  if (step.prepare) {
    for (const Expression::Use& use : parsed->uses()) TRY(may_use(use.name, use.at, step));
  }
  return parsed->evaluate(scope_);
}

Result<Evaluated> Binder::evaluate(const PlanArgument& argument, const Step& step) {
  if (const auto* value = std::get_if<Value>(&argument.is)) return Evaluated{.value = *value};
  if (const auto* text = std::get_if<Located>(&argument.is)) return evaluate(*text, step);
  const auto* list = std::get_if<PlanArgumentList>(&argument.is);
  if (!list) return refuse("type", "a table is no value", argument.at);
  ValueList values;
  bool unknown = false;
  for (const PlanArgument& item : *list) {
    Evaluated each = TRY(evaluate(item, step));
    unknown = unknown || each.unknown;
    values.push_back(std::move(each.value));
  }
  return Evaluated{.value = Value{std::move(values)}, .unknown = unknown};
}

Result<std::optional<std::int64_t>> Binder::integer(const PlanArgument& argument, const Step& step,
                                                    std::string_view what) {
  const Evaluated result = TRY(evaluate(argument, step));
  if (result.unknown) return std::nullopt;
  if (const auto* value = std::get_if<std::int64_t>(&result.value.is)) return *value;
  return refuse("type",
                fmt::format("{} is {}, {}: expected an integer", what, to_string(result.value), kind_of(result.value)),
                argument.at);
}

std::optional<int> Binder::tensor_name(std::string_view text) const {
  const auto name = names_.find(text);
  if (!name) return std::nullopt;
  switch (meanings_[static_cast<std::size_t>(*name)].kind) {
    case NameKind::input:
    case NameKind::parameter:
    case NameKind::output:
    case NameKind::scratch:
    case NameKind::result:
      return name;
    case NameKind::init:
    case NameKind::counter:
    case NameKind::axis:
    case NameKind::threads:
      break;
  }
  return std::nullopt;
}

// Whether a step may see a name at all: prepare steps see nothing that depends on inputs.
Result<> Binder::may_use(int name, Location at, const Step& step) const {
  if (!step.prepare) return {};
  const Name& meaning = meanings_[static_cast<std::size_t>(name)];
  const std::string& text = names_.text(name);
  if (meaning.kind == NameKind::input || meaning.kind == NameKind::output) {
    return refuse(
        "prepare",
        fmt::format("`{}` is an {}: {}", text, meaning.kind == NameKind::input ? "input" : "output", prepare_rule), at);
  }
  if (meaning.from_input) {
    return refuse("prepare", fmt::format("`{}` depends on the shape of an input: {}", text, prepare_rule), at);
  }
  if (meaning.tensor == no_tensor || meaning.kind == NameKind::parameter) return {};
  const Storage& memory = storages_[static_cast<std::size_t>(tensor(meaning.tensor).storage)];
  if (meaning.kind == NameKind::result && !meaning.prepared) {
    return refuse("prepare", fmt::format("`{}` is the result of a step that is run every time: {}", text, prepare_rule),
                  at);
  }
  if (memory.written) {
    return refuse("prepare",
                  fmt::format("`{}` is written at line {} in every run: {}", text, memory.written->line, prepare_rule),
                  at);
  }
  return {};
}

Result<TensorId> Binder::use_tensor(int name, Location at, const Step& step) {
  TRY(may_use(name, at, step));
  if (const auto* absent = std::get_if<Meaning::Absent>(&scope_[static_cast<std::size_t>(name)].is)) {
    return refuse("name", fmt::format("`{}` {}", names_.text(name), absent->why), at);
  }
  return meanings_[static_cast<std::size_t>(name)].tensor;
}

bool Binder::depends_on_input(const Expression& parsed) const {
  return std::ranges::any_of(parsed.uses(), [this](const Expression::Use& use) {
    const Name& meaning = meanings_[static_cast<std::size_t>(use.name)];
    if (meaning.from_input || meaning.kind == NameKind::input || meaning.kind == NameKind::output) return true;
    return meaning.kind == NameKind::result && !meaning.prepared;
  });
}

}  // namespace kerf
