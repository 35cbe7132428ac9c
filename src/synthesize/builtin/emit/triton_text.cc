#include "synthesize/builtin/emit/triton_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <ranges>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/triton_expressions.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

bool is_literal(const Instruction& i) { return i.form == Form::constant; }

}  // namespace

void TritonText::begin_kernel() {
  KernelText::begin_kernel();
  wide_.clear();
  constants_.clear();
  named_.clear();
}

void TritonText::tell_alignment() {
  constexpr std::int64_t large = 1 << 22;  // bytes; small kernels are better the same for several sizes
  if (s_.sketch == Sketch::product || s_.sketch == Sketch::attention || bytes_moved(r_) < large) return;
  const auto in_brackets = [](const std::string& text) {
    return text.find(' ') == std::string::npos ? text : "(" + text + ")";
  };
  std::string before;
  for (int a = 0; a <= inner_; ++a) {
    const Extent& extent = r_.axes[static_cast<std::size_t>(a)].extent;
    const std::int64_t n = extent.values.at(0);
    if (n < 64 || n % 4 != 0 || n % 16 == 0) continue;
    const std::string size(1, static_cast<char>(std::toupper(axis_name(a)[0])));
    const auto at = std::ranges::find(parameters_, size, &std::pair<std::string, std::string>::second);
    if (at == parameters_.end()) continue;
    // 4, or 1 where it is no multiple of that.
    const std::string unit = fmt::format("1 + 3 * (1 - min(1, {} % 4))", in_brackets(extent.text));
    std::string& argument = arguments_[static_cast<std::size_t>(at - parameters_.begin())];
    argument = fmt::format("{} // ({})", in_brackets(argument), unit);
    at->second = size + "_units";
    before += fmt::format("  {0} = {0}_units * {1}\n", size, constant(size + "_UNIT", unit));
  }
  body_ = before + body_;
}

void TritonText::end_kernel(const std::string& name, const std::string& comment, const std::string& grid) {
  tell_alignment();
  std::string parameters;
  for (const std::string& p : std::views::values(parameters_)) parameters += (parameters.empty() ? "" : ", ") + p;
  for (const std::string& c : std::views::keys(constants_))
    parameters += fmt::format("{}{}: tl.constexpr", parameters.empty() ? "" : ", ", c);
  std::string body;
  for (std::size_t i = 0; i < body_.size();) {  // four blanks a level, as Python has it
    std::size_t text = body_.find_first_not_of(' ', i);
    const std::size_t end = body_.find('\n', i) + 1;
    body += std::string(2 * (text - i), ' ') + body_.substr(text, end - text);
    i = end;
  }
  out_.source += fmt::format("\n\n# {}\n@triton.jit\ndef {}({}):\n{}", comment, name, parameters, body);
  out_.launches.push_back({.kernel = name,
                           .grid = {grid},
                           .args = arguments_,
                           .block = {},
                           .constants = constants_,
                           .warps = tune_ + " // 32"});
}

std::string TritonText::constant(const std::string& name, const std::string& text) {
  if (std::ranges::find(constants_, name, &std::pair<std::string, std::string>::first) == constants_.end())
    constants_.emplace_back(name, text);
  return name;
}

std::string TritonText::of_windows(const std::string& name, const std::string& text) {
  if (s_.sketch != Sketch::flat || loop_ != bit(inner_)) return KernelText::of_windows(name, text);
  const auto shared = std::ranges::find_if(constants_, [&](const auto& each) {
    return each.second == text && (each.first.contains("_shift") || each.first.contains("_window"));
  });
  if (shared != constants_.end()) return shared->first;
  const auto taken = [&](const std::string& each) {
    return std::ranges::find(constants_, each, &std::pair<std::string, std::string>::first) != constants_.end();
  };
  std::string free = name;
  for (int n = 1; taken(free); ++n) free = fmt::format("{}_{}", name, n);
  return constant(free, text);
}

std::string TritonText::whole_tile(const std::string& begin, const std::string& range) {
  constexpr std::int64_t many = 8;  // tiles a row
  if (loop_ != bit(inner_) ||
      r_.axes[static_cast<std::size_t>(inner_)].extent.values.at(0) < many * s_.block.front() * s_.width * s_.unroll)
    return "";
  std::set<std::string> conditions;
  const std::string end = fmt::format("({} + {} - 1)", begin, range);
  for (const Instruction& i : r_.code) {
    if ((i.access.guards() & loop_) == 0) continue;
    const std::string name = i.name.substr(0, i.name.find_last_not_of('_') + 1);
    for (const Window& window : i.access.windows) {
      if (!window.guarded() || std::ranges::none_of(window.terms, [&](const auto& t) { return t.axis == inner_; }))
        continue;
      if (window.terms.size() != 1 || window.terms[0].step.values.at(0) < 1) return "";
      const auto at = [&](const std::string& index) { return window_index(window, name, [&](int) { return index; }); };
      if (window.below) conditions.insert(at(begin) + " >= 0");
      if (window.above) conditions.insert(at(end) + " < " + number(window.limit, name + "_limit"));
    }
  }
  if (conditions.empty()) return "";
  conditions.insert(fmt::format("{} < {}", end, size(inner_)));
  return fmt::format("({})", fmt::join(conditions, ") & ("));
}

void TritonText::split_index(std::uint64_t mask, const std::string& flat, bool widen) {
  std::uint64_t below = mask;
  for (int a = 0; a <= inner_; ++a) {
    if (!(mask & bit(a))) continue;
    const bool first = below == mask;
    below &= ~bit(a);
    const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
    if (!named_.insert(n).second) continue;
    std::string text = flat;
    if (below) {
      const std::string size = size_of_axes(below);
      text += size.find('*') == std::string::npos ? " // " + size : " // (" + size + ")";
    }
    if (!first) text += " % " + size(a);
    line(n + " = " + (widen ? fmt::format("({}).to(tl.int64)", text) : text));
  }
}

void TritonText::split_positions() {
  std::vector<int> axes;
  for (int a = 0; a <= inner_; ++a)
    if (loop_ & bit(a)) axes.push_back(a);
  const auto step = std::ranges::find(constants_, step_, &std::pair<std::string, std::string>::first);
  if (axes.size() != 2 || step == constants_.end()) return split_index(loop_, "at");
  const std::string outer = axis_name(axes[0]), inner = axis_name(axes[1]), length = size(axes[1]);
  const std::string far = constant(
      "LONG",
      fmt::format("min(1, ({}) // ({}))", r_.axes[static_cast<std::size_t>(axes[1])].extent.text, step->second));
  named_.insert({outer, inner});
  open(fmt::format("if {}:  # a tile has positions of two at most", far));
  line(fmt::format("{} = first // {}", outer, length));
  line(fmt::format("{} = at - {} * {}", inner, outer, length));
  line(fmt::format("{0} += ({1} >= {2}).to(tl.int32)", outer, inner, length));
  line(fmt::format("{0} = tl.where({0} >= {1}, {0} - {1}, {0})", inner, length));
  --depth_;
  open("else:");
  line(fmt::format("{} = at // {}", outer, length));
  line(fmt::format("{} = at % {}", inner, length));
  --depth_;
}

std::string TritonText::operand(int v) const {
  const Instruction& i = at(v);
  if (is_literal(i)) return triton_literal(i.constant);
  return i.form == Form::parameter ? i.name + "_value" : i.name;
}

std::string TritonText::narrow(int v) const { return wide_.contains(v) ? operand(v) + ".to(tl.float32)" : operand(v); }

std::vector<std::string> TritonText::operands_of(const Instruction& i, bool wide) {
  const bool literals = i.op == Op::pow || std::ranges::all_of(i.operands, [&](int o) { return is_literal(at(o)); });
  std::vector<std::string> texts;
  for (const int o : i.operands) {
    if (at(o).form == Form::parameter) argument("float", operand(o), at(o).text);
    std::string text = wide ? operand(o) : narrow(o);
    if (is_literal(at(o)) && (i.type == Type::i64 || at(o).type == Type::i64))
      text = fmt::format("{}", static_cast<std::int64_t>(at(o).constant));
    else if (is_literal(at(o)) && literals)
      text = fmt::format("tl.full((), {}, tl.float32)", text);
    texts.push_back(std::move(text));
  }
  return texts;
}

void TritonText::declare(int v) {
  const Instruction& i = at(v);
  if (i.form == Form::constant || i.form == Form::reduce) return;
  if (i.form == Form::parameter) {
    argument("float", operand(v), i.text);
    return;
  }
  if (i.form == Form::index) {
    line(fmt::format("{} = {}.to(tl.float32)", i.name, axis_name(std::countr_zero(i.axes))));
    return;
  }
  if (i.form == Form::load) {
    // Behind a name that was taken: x_ is read from x_from.
    const std::string name = i.name.substr(0, i.name.find_last_not_of('_') + 1);
    const std::string from = pointer(i.access, name, false);
    const bool past = past_ && last_ && i.axes == all_ && i.access.windows.empty();  // of windows, others read it too
    line(fmt::format("{} = tl.load({}{}{}{})", i.name, from, place(i.access, name), mask_of_load(i, name),
                     past ? ", eviction_policy=\"evict_first\"" : ""));
    return;
  }
  const bool wide = (i.axes & loop_) == 0 && i.type == Type::f32 && is_arithmetic(i.op) &&
                    std::ranges::any_of(i.operands, [&](int o) { return wide_.contains(o); });
  if (wide) wide_.insert(v);
  const bool numbers = std::ranges::all_of(i.operands, [&](int o) { return is_literal(at(o)); });
  if ((i.op == Op::ne || i.op == Op::eq) && numbers) {  // a mask that says the same everywhere
    const bool same = at(i.operands[0]).constant == at(i.operands[1]).constant;
    line(fmt::format("{} = tl.full((), {}, tl.int1)", i.name, same == (i.op == Op::eq) ? 1 : 0));
    return;
  }
  const std::vector<std::string> texts = operands_of(i, wide);
  std::vector<Type> types;
  for (const int o : i.operands) types.push_back(at(o).type);
  line(fmt::format("{} = {}", i.name,
                   triton_expression(i.op, texts, types, [this](const std::string& helper) { need(helper); })));
}

void TritonText::declare_all(const std::set<int>& values) {
  for (const int v : values) {
    if (declared_.contains(v)) continue;
    declare(v);
    declared_.insert(v);
  }
}

std::string TritonText::mask(std::uint64_t axes, const std::string& condition) const {
  std::string text = condition;
  const auto both = [&](const std::string& more) { text = text.empty() ? more : fmt::format("{} & {}", text, more); };
  if ((axes & loop_) != 0 && !whole_) both(tile_ + "inside");
  if (axes & other_) both(tile_ + "valid");
  return text.empty() ? "" : ", mask=" + text;
}

std::string TritonText::mask_of_load(const Instruction& load, const std::string& name) {
  std::string condition;
  for (const std::string& each :
       bounds(load.access, name, [&](int axis) { return axis_name(axis); }, whole_ ? inner_ : -1))
    condition += fmt::format("{}({})", condition.empty() ? "" : " & ", each);
  const std::string text = mask(load.axes, condition);
  if (!condition.empty()) return fmt::format("{}, other={}", text, triton_literal(load.access.outside));
  return zero_ && !text.empty() ? text + (load.type == Type::f32 ? ", other=0.0" : ", other=0") : text;
}

std::string TritonText::index_of(int v) { return narrow(v) + (at(v).type == Type::f32 ? ".to(tl.int64)" : ""); }

std::string TritonText::times(const std::string& index, const Extent& extent, const std::string& step,
                              const Extent& stride) {
  if (step == "1") return index;
  const bool back = std::ranges::all_of(stride.values, [](std::int64_t n) { return n < 0; });
  if (back) return times(index, extent, step, literal(0, r_.workloads) - stride);
  return is_small(extent * stride) ? fmt::format("{} * {}", index, step)
                                   : fmt::format("{}.to(tl.int64) * {}", index, step);
}

std::string TritonText::place(const Access& access, const std::string& name) {
  std::string text = offset(access, name, loop_) + picked(access, name, loop_, true);
  if (!loops_over(access)) return text;
  if (runs_evenly(access)) {
    const int last = static_cast<int>(std::bit_width(loop_)) - 1;
    const Extent& along = access.along(last)->stride;
    return text + " + " + times(tile_ + "at", r_.extent_of(loop_), stride(access, along, last, name), along);
  }
  // Of a tile's positions first, so that one sum of them is added to the addresses.
  std::string sum;
  Extent span = literal(0, r_.workloads);
  int terms = 0;
  for (const Subscript& s : access.subscripts) {
    if (!(loop_ & bit(s.axis))) continue;
    const Axis& axis = r_.axes[static_cast<std::size_t>(s.axis)];
    sum += " + " + times(axis.name, axis.extent, stride(access, s.stride, s.axis, name), s.stride);
    const bool back = s.stride.values[0] < 0;
    span = back ? span - axis.extent * s.stride : span + axis.extent * s.stride;
    ++terms;
  }
  return terms > 1 && (s_.sketch == Sketch::product || s_.sketch == Sketch::attention) && is_small(span)
             ? fmt::format("{} + ({})", text, sum.substr(3))
             : text + sum;
}

bool TritonText::is_near(const std::vector<Extent>& more) {
  std::vector<Extent> spans;
  const auto add = [&](const Access& access) {
    Extent span = literal(0, r_.workloads);
    for (const Subscript& s : access.subscripts) {
      const Extent along = r_.axes[static_cast<std::size_t>(s.axis)].extent * s.stride;
      span = s.stride.values[0] < 0 ? span - along : span + along;
    }
    for (const Window& window : access.windows) span = span + window.limit * window.stride;
    spans.push_back(std::move(span));
  };
  for (const Instruction& i : r_.code)
    if (i.form == Form::load) add(i.access);
  for (const RegionStore& store : r_.stores) add(store.access);
  spans.insert(spans.end(), more.begin(), more.end());
  for (const Extent& span : spans)
    if (std::ranges::any_of(span.values, [](std::int64_t n) { return n >> 31 != 0; })) return false;
  for (const Extent& span : spans) (void)is_small(span);
  return true;
}

void TritonText::open_tile(const std::string& start, const std::string& range, const std::string& end) {
  const std::string lanes = fmt::format("tl.arange(0, {})", range);
  const std::string sum = start.empty() ? lanes : fmt::format("{} + {}", start, lanes);
  const char* along = !two_dimensional() ? "" : columns_ ? "[:, None]" : "[None, :]";
  line(fmt::format("{}at = {}{}", tile_, start.empty() || *along == '\0' ? sum : "(" + sum + ")", along));
  line(fmt::format("{0}inside = {0}at < {1}", tile_, end));
}

bool TritonText::needs_indices(const std::set<int>& values) const {
  return std::ranges::any_of(values,
                             [&](int v) {
                               if (at(v).form == Form::index) return (at(v).axes & loop_) != 0;
                               return at(v).form == Form::load && loops_over(at(v).access) &&
                                      (!runs_evenly(at(v).access) || (at(v).access.guards() & loop_) != 0);
                             }) ||
         (last_ && std::ranges::any_of(r_.stores, [&](const RegionStore& store) {
            return loops_over(store.access) && !runs_evenly(store.access);
          }));
}

void TritonText::pass(const std::set<int>& wanted, bool last, const std::function<void()>& each) {
  std::set<int> values;
  for (const int v : wanted) collect(v, values);
  last_ = last;
  if (held_) {
    if (needs_indices(values)) split_index(loop_, "at");
    declare_all(values);
    each();
    return;
  }
  const std::set<int> declared = declared_;
  const std::set<std::string> named = named_;
  open(fmt::format("for first in tl.range({}, {}, {}{}):", start_, end_, step_,
                   s_.stages > 1 ? fmt::format(", num_stages={}", s_.stages) : std::string()));
  open_tile("first", step_, end_);
  if (needs_indices(values)) split_positions();
  declare_all(values);
  each();
  --depth_;
  declared_ = declared;
  named_ = named;
}

void TritonText::store(std::size_t k, const std::string& condition) {
  const RegionStore& to = r_.stores[k];
  const std::string name = store_name(k), first = pointer(to.access, name, true);
  const bool past = past_ && loops_over(to.access);
  line(fmt::format("tl.store({}{}, {}{}{})", first, place(to.access, name), operand(to.value),
                   mask(axes_of(to.access), condition), past ? ", eviction_policy=\"evict_first\"" : ""));
}

void TritonText::store_rows() {
  std::set<int> wanted;
  std::vector<std::size_t> which;
  for (std::size_t k = 0; k < r_.stores.size(); ++k) {
    if (!loops_over(r_.stores[k].access)) continue;
    which.push_back(k);
    wanted.insert(r_.stores[k].value);
  }
  if (which.empty()) return;
  pass(wanted, true, [&] {
    for (const std::size_t k : which) store(k, "");
  });
}

void TritonText::store_results(const std::string& condition) {
  for (std::size_t k = 0; k < r_.stores.size(); ++k) {
    if (loops_over(r_.stores[k].access)) continue;
    std::set<int> values;
    collect(r_.stores[k].value, values);
    declare_all(values);
    store(k, condition);
  }
}

}  // namespace kerf
