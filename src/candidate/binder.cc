#include "candidate/binder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "candidate/arithmetic.h"
#include "candidate/identifiers.h"
#include "candidate/plan_error.h"

namespace kerf {
namespace {

std::int64_t quarter_of_memory() {
  return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::int64_t>(sysconf(_SC_PAGE_SIZE)) / 4;
}

}  // namespace

Binder::Binder(const BindRequest& request, Machine& machine)
    : request_(request), plan_(request.source->plan), workload_(*request.workload), machine_(machine) {}

Result<Program> Binder::run() {
  TRY(add_names());
  TRY(parse_all());
  TRY(check_outputs_are_named());
  TRY(walk());
  TRY(check_all_allocated());
  finish();
  return std::move(program_);
}

Result<> Binder::walk() {
  for (std::size_t i = 0; i < plan_.steps.size();) {
    std::size_t end = i + 1;
    if (!plan_.steps[i].loop) {
      TRY(step(i));
    } else {
      while (end < plan_.steps.size() && plan_.steps[end].loop &&
             plan_.steps[end].loop->text == plan_.steps[i].loop->text)
        ++end;
      TRY(walk_loop(i, end));
    }
    i = end;
  }
  return {};
}

Result<> Binder::walk_loop(std::size_t first, std::size_t end) {
  TRY(allocate_ready());
  const Located& name = *plan_.steps[first].loop;
  const auto loop = std::ranges::find_if(plan_.loops, [&](const auto& each) { return each.first.text == name.text; });
  if (loop == plan_.loops.end()) return refuse("name", fmt::format("no loop `{}`", name.text), name.at);
  const PlanArgument& count_argument = loop->second;
  const Evaluated count = TRY(evaluate(count_argument, Step{}));
  const auto counter = static_cast<std::size_t>(*names_.find(name.text));
  if (const auto* text = std::get_if<Located>(&count_argument.is))
    meanings_[counter].from_input = depends_on_input(*TRY(expression(*text)));
  const Meaning outside = scope_[counter];
  std::int64_t rounds = 1;
  if (!count.unknown) {
    const auto* value = std::get_if<std::int64_t>(&count.value.is);
    if (!value || *value < 0) {
      return refuse("loop",
                    fmt::format("the loop `{}` has {} rounds: expected an integer of at least 0", name.text,
                                to_string(count.value)),
                    count_argument.at);
    }
    rounds = *value;
  }
  const auto in_a_round = static_cast<std::int64_t>(end - first);
  if (rounds >
      (static_cast<std::int64_t>(max_bound_steps) - static_cast<std::int64_t>(program_.steps.size())) / in_a_round) {
    return refuse("limit",
                  fmt::format("more than {} steps once loops are unrolled: `{}` has {} rounds", max_bound_steps,
                              name.text, rounds),
                  count_argument.at);
  }
  for (std::int64_t round = 0; round < rounds; ++round) {
    scope_[counter].is =
        count.unknown ? decltype(Meaning::is){Meaning::Unknown{}} : decltype(Meaning::is){Value{round}};
    for (std::size_t i = first; i < end; ++i) {
      // A result is new in each round.
      for (const Located& out : plan_.steps[i].out) {
        const auto result = names_.find(out.text);
        if (!result || meanings_[static_cast<std::size_t>(*result)].kind != NameKind::result) continue;
        scope_[static_cast<std::size_t>(*result)].is = Meaning::Absent{fmt::format(
            "is the result of the step at line {}, which runs later in this round", plan_.steps[i].at.line)};
      }
    }
    for (std::size_t i = first; i < end; ++i) TRY(step(i));
  }
  scope_[counter] = outside;
  return {};
}

Result<> Binder::step(std::size_t i) {
  const Step& step = plan_.steps[i];
  TRY(allocate_ready());
  if (step.prepare && step.loop && meanings_[static_cast<std::size_t>(*names_.find(step.loop->text))].from_input) {
    return refuse("prepare",
                  fmt::format("the count of the loop `{}` depends on an input: {}", step.loop->text, prepare_rule),
                  step.loop->at);
  }
  return step.kind == Step::Kind::launch ? launch(i) : call(i);
}

Result<> Binder::allocate_ready() {
  for (bool progress = true; progress;) {
    progress = false;
    for (const int name : scratch_names_) progress = TRY(allocate(name)) || progress;
  }
  return {};
}

// Allocates a scratch tensor if all that its shape depends on is given. Whether it did.
Result<bool> Binder::allocate(int name) {
  Name& meaning = meanings_[static_cast<std::size_t>(name)];
  if (meaning.tensor != no_tensor) return false;
  const Scratch& scratch = plan_.scratch[static_cast<std::size_t>(meaning.index)];
  bool from_input = false;
  for (const PlanArgument& extent : scratch.shape) {
    const auto* text = std::get_if<Located>(&extent.is);
    if (!text) continue;
    const Expression* parsed = TRY(expression(*text));
    for (const Expression::Use& use : parsed->uses()) {
      if (meanings_[static_cast<std::size_t>(use.name)].kind == NameKind::counter) {
        return refuse(
            "name",
            fmt::format("a scratch tensor is allocated once: `{}` cannot be in its shape", names_.text(use.name)),
            use.at);
      }
      if (std::holds_alternative<Meaning::Absent>(scope_[static_cast<std::size_t>(use.name)].is)) return false;
    }
    from_input = from_input || depends_on_input(*parsed);
  }
  TensorSpec spec{.dtype = scratch.dtype, .shape = {}, .stride = {}};
  bool known = true;
  std::int64_t bytes = static_cast<std::int64_t>(size_of(scratch.dtype));
  for (const PlanArgument& extent : scratch.shape) {
    const std::optional<std::int64_t> value = TRY(integer(extent, Step{}, "an extent of a shape"));
    known = known && value;
    if (!value) continue;
    if (*value < 0) return refuse("scratch", fmt::format("an extent of {}: expected at least 0", *value), extent.at);
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(*value, 1), &bytes))
      bytes = std::numeric_limits<std::int64_t>::max() / 2;
    spec.shape.push_back(*value);
  }
  if (known) {
    const std::int64_t limit = request_.scratch_limit > 0 ? request_.scratch_limit : quarter_of_memory();
    if (__builtin_add_overflow(scratch_bytes_, bytes, &scratch_bytes_) || scratch_bytes_ > limit) {
      return refuse("limit", fmt::format("scratch of more than {} bytes, a quarter of the memory", limit),
                    scratch.shape_at);
    }
    spec.stride = contiguous_strides(spec.shape);
  }
  const TensorId id = add_tensor({.kind = BoundTensor::Kind::scratch,
                                  .name = scratch.name,
                                  .index = meaning.index,
                                  .spec = known ? std::optional(spec) : std::nullopt,
                                  .zero = scratch.zero});
  meaning.from_input = from_input;
  set_tensor(name, id);
  if (known) TRY(machine_.allocate(id, tensor(id)));
  return true;
}

Result<> Binder::check_all_allocated() const {
  for (const int name : scratch_names_) {
    const Name& meaning = meanings_[static_cast<std::size_t>(name)];
    if (meaning.tensor != no_tensor) continue;
    const Scratch& scratch = plan_.scratch[static_cast<std::size_t>(meaning.index)];
    return refuse("scratch",
                  fmt::format("the shape of `{}` depends on what no step before its use gives", scratch.name),
                  scratch.shape_at);
  }
  return {};
}

// Whether a tensor's memory is that of a call's result, and no step behind `step` uses it by its own name or another.
bool Binder::left_to_views(TensorId id, std::size_t step, const std::vector<std::size_t>& last) const {
  const int storage = tensor(id).storage;
  for (std::size_t k = 0; k < program_.tensors.size(); ++k) {
    const BoundTensor& each = program_.tensors[k];
    if (each.storage != storage) continue;
    if (each.kind != BoundTensor::Kind::result || each.prepared || last[k] > step) return false;
  }
  return true;
}

// What is known only when all steps are: what is prepared, and which result is used last where.
void Binder::finish() {
  for (BoundTensor& each : program_.tensors) {
    const Storage& memory = storages_[static_cast<std::size_t>(each.storage)];
    each.prepared = each.prepared || memory.prepared;
    each.read_only = memory.read_only || memory.prepared;
  }
  std::vector<std::size_t> first(program_.tensors.size(), program_.steps.size()), last = first;
  std::vector<int> uses(program_.tensors.size(), 0);
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    const auto use = [&](TensorId id) {
      if (id == no_tensor) return;
      last[static_cast<std::size_t>(id)] = i;
      first[static_cast<std::size_t>(id)] = std::min(first[static_cast<std::size_t>(id)], i);
      ++uses[static_cast<std::size_t>(id)];
    };
    if (const auto* launch = std::get_if<BoundLaunch>(&program_.steps[i].does)) {
      for (const BoundArgument& argument : launch->args) use(argument.tensor);
    } else {
      const auto& call = std::get<BoundCall>(program_.steps[i].does);
      for (const CallValue& value : call.args) std::ranges::for_each(value.tensors, use);
      for (const BoundOut& out : call.outs) use(out.tensor);
    }
  }
  for (std::size_t id = 0; id < last.size(); ++id) {
    const BoundTensor& each = program_.tensors[id];
    if (each.kind != BoundTensor::Kind::result || each.prepared || last[id] == program_.steps.size()) continue;
    program_.steps[last[id]].release.push_back(static_cast<TensorId>(id));
  }
  std::vector<int> written(program_.tensors.size(), 0);
  for (const BoundStep& step : program_.steps)
    if (const auto* call = std::get_if<BoundCall>(&step.does))
      for (const BoundOut& out : call->outs)
        if (out.tensor != no_tensor) ++written[static_cast<std::size_t>(out.tensor)];
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    auto* call = std::get_if<BoundCall>(&program_.steps[i].does);
    if (call == nullptr || program_.steps[i].prepare) continue;
    for (BoundOut& out : call->outs) {
      if (out.kind != BoundOut::Kind::write) continue;
      const auto id = static_cast<std::size_t>(out.tensor);
      const BoundTensor& to = tensor(out.tensor);
      // Memory that a call gave, all of it, and that is nobody else's from here on.
      const bool whole = out.view_of != no_tensor && tensor(out.view_of).spec && to.spec &&
                         tensor(out.view_of).spec->storage_bytes() == to.spec->storage_bytes();
      const bool own = out.fresh || (whole && left_to_views(out.view_of, i, last));
      const bool output = to.kind == BoundTensor::Kind::output && out.fresh && uses[id] == 1;
      const bool scratch =
          to.kind == BoundTensor::Kind::scratch && !to.zero && own && written[id] == 1 && first[id] == i;
      if (!output && !scratch) continue;
      out.kind = BoundOut::Kind::adopt;
      call->out_overload.reset();
    }
  }
}

TensorId Binder::add_tensor(BoundTensor tensor) {
  tensor.storage = static_cast<int>(storages_.size());
  storages_.emplace_back();
  program_.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(program_.tensors.size()) - 1;
}

void Binder::set_tensor(int name, TensorId id) {
  meanings_[static_cast<std::size_t>(name)].tensor = id;
  Meaning& means = scope_[static_cast<std::size_t>(name)];
  if (const std::optional<TensorSpec>& spec = tensor(id).spec) {
    means.is = &specs_.emplace_back(*spec);
  } else {
    means.is = Meaning::Unknown{};
  }
}

Binder::Storage& Binder::storage(TensorId id) { return storages_[static_cast<std::size_t>(tensor(id).storage)]; }

bool Binder::writable(TensorId id, const Step& step) {
  const Storage& memory = storage(id);
  return !memory.read_only && (step.prepare || !memory.prepared);
}

void Binder::note_write(TensorId id, const Step& step) {
  Storage& memory = storage(id);
  if (step.prepare) {
    memory.prepared = true;
  } else if (!memory.written) {
    memory.written = step.at;
  }
}

void Binder::push(BoundStep step) { program_.steps.push_back(std::move(step)); }

Result<Program> bind(const BindRequest& request, Machine& machine) { return Binder(request, machine).run(); }

Result<std::optional<std::vector<std::string>>> BlindMachine::schemas(std::string_view) { return std::nullopt; }
Result<std::optional<std::vector<std::string>>> BlindMachine::prototype(std::string_view) { return std::nullopt; }
Result<> BlindMachine::allocate(TensorId, const BoundTensor&) { return {}; }
Result<> BlindMachine::launch(const BoundStep&, const BoundLaunch&) { return {}; }
Result<std::optional<std::vector<CallResult>>> BlindMachine::call(const BoundStep&, const BoundCall&) {
  return std::nullopt;
}
Result<> BlindMachine::commit(const BoundStep&, const BoundCall&) { return {}; }

}  // namespace kerf
