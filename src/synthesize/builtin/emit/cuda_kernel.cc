#include "synthesize/builtin/emit/cuda_kernel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cuda_expressions.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

}  // namespace

void CudaKernel::begin_kernel() {
  KernelText::begin_kernel();
  wide_.clear();
  arrays_.clear();
  loaded_.clear();
  bases_.clear();
  begin_.clear();
}

void CudaKernel::end_kernel(const std::string& name, const std::string& comment, const std::string& grid) {
  out_.source += fmt::format("\n// {}\nextern \"C\" __global__ void __launch_bounds__({}) {}({}) {{\n{}}}\n", comment,
                             tune_, name, parameter_list(), body_);
  out_.launches.push_back({.kernel = name, .grid = {grid}, .args = arguments_, .block = {tune_}});
}

void CudaKernel::require_vectors() {
  if (s_.width == 1 || tail_) return;
  const Extent& extent = r_.axes.back().extent;
  require(fmt::format("({}) % {} == 0", extent.text, s_.width),
          [&](std::size_t w) { return extent.values[w] % s_.width == 0; });
}

std::string CudaKernel::literal_of(double value) {
  if (std::isfinite(value)) return cpp_literal(value);
  need("infinity");
  return std::isnan(value) ? "not_a_number()" : value > 0 ? "infinity()" : "-infinity()";
}

std::string CudaKernel::element_of(int v) {
  const Instruction& i = at(v);
  const auto index = [&](int axis) { return axis == inner_ ? "(" + axis_name(axis) + " + e)" : axis_name(axis); };
  if (i.form == Form::index) return "(float)" + index(std::countr_zero(i.axes));
  const Subscript* along = i.access.along(inner_);
  const std::string step = along == nullptr ? "0" : stride(i.access, along->stride, inner_, i.name);
  const bool steps = loops_over(i.access) || !i.access.picks.empty();
  const std::string from = base_of(i.access, i.name, false) + (steps ? step_of(i.access, i.name) : "");
  const std::string inside = fmt::format("{}", fmt::join(bounds(i.access, i.name, index), " && "));
  const std::string text =
      along == nullptr ? fmt::format("*({})", from) : fmt::format("*({} + e{})", from, step == "1" ? "" : " * " + step);
  return inside.empty() ? text : fmt::format("{} ? {} : {}", inside, text, literal_of(i.access.outside));
}

std::string CudaKernel::operand(int v, bool lane) {
  const Instruction& i = at(v);
  if (i.form == Form::constant) return literal_of(i.constant);
  if (i.form == Form::parameter) return argument("float", i.name + "_value", i.text);
  const std::string name = cuda_name(i.name);
  if (arrays_.contains(v)) return name + "[e]";
  if (loaded_.contains(v)) return (keep_ == v ? i.name + "_kept" : name) + "[v][e]";
  return lane && wide_.contains(v) ? "(float)" + name : name;
}

void CudaKernel::declare(int v, bool lane) {
  const Instruction& i = at(v);
  if (i.form == Form::constant || i.form == Form::parameter || i.form == Form::reduce) return;
  const std::string name = cuda_name(i.name);
  if (lane && along_inner(v) && (i.form == Form::index || is_by_element(v))) {
    line(fmt::format("const {} {} = {};", i.form == Form::index ? "float" : element(i.access), name, element_of(v)));
    return;
  }
  if (i.form == Form::index) {
    line(fmt::format("const float {} = (float){};", name, axis_name(std::countr_zero(i.axes))));
    return;
  }
  if (i.form == Form::load) {
    const auto index = [&](int axis) { return axis_name(axis); };
    const std::string inside = fmt::format("{}", fmt::join(bounds(i.access, i.name, index), " && "));
    line(fmt::format("const {} {} = {}{}[{}]{};", element(i.access), name, inside.empty() ? "" : inside + " ? ",
                     pointer(i.access, i.name, false), cpp_index(offset(i.access, i.name, 0)),
                     inside.empty() ? "" : " : " + literal_of(i.access.outside)));
    return;
  }
  std::vector<std::string> operands;
  std::vector<Type> types;
  for (const int o : i.operands) {
    operands.push_back(operand(o, lane));
    types.push_back(at(o).type);
    if (i.type == Type::i64 && at(o).form == Form::constant)
      operands.back() = fmt::format("{}", static_cast<std::int64_t>(at(o).constant));
  }
  const bool wide = !lane && i.type == Type::f32 && is_arithmetic(i.op) &&
                    std::ranges::any_of(i.operands, [&](int o) { return wide_.contains(o); });
  if (wide) wide_.insert(v);
  if (!wide && !lane)
    for (std::size_t k = 0; k < i.operands.size(); ++k)
      if (wide_.contains(i.operands[k])) operands[k] = "(float)" + operands[k];
  const char* type = i.type == Type::mask ? "bool" : i.type == Type::i64 ? "int64_t" : wide ? "double" : "float";
  line(fmt::format("const {} {} = {};", type, name,
                   cuda_expression(i.op, operands, types, [this](const std::string& h) { need(h); })));
}

void CudaKernel::declare_all(const std::set<int>& values, bool lane) {
  for (const int v : values) {
    if (declared_.contains(v)) continue;
    declare(v, lane);
    declared_.insert(v);
  }
}

void CudaKernel::declare_row_values(int wave) {
  const std::set<int> values = row_values(wave);
  if (!columns_) return declare_all(values, false);
  for (const int v : values) {
    if (!along_inner(v)) {
      declare(v, false);
      declared_.insert(v);
      continue;
    }
    const Instruction& i = at(v);
    const std::string name = cuda_name(i.name);
    const char* type = i.type == Type::mask ? "bool" : i.type == Type::i64 ? "int64_t" : "float";
    if (i.form == Form::load && !is_by_element(v)) {
      line(fmt::format("{} {}[{}];", element(i.access), name, width()));
      const std::string from = base_of(i.access, i.name, false);
      const std::string step = stride(i.access, i.access.along(inner_)->stride, inner_, i.name);
      need("get");
      line(step == "1" && i.access.type == Type::f32 ? fmt::format("get({}, {});", name, from)
                                                     : fmt::format("gather({}, {}, {});", name, from, step));
    } else {
      line(fmt::format("{} {}[{}];", type, name, width()));
      line("#pragma unroll");
      open(fmt::format("for (int e = 0; e < {}; ++e) {{", width()));
      std::vector<std::string> operands;
      std::vector<Type> types;
      for (const int o : i.operands) {
        operands.push_back(operand(o, true));
        types.push_back(at(o).type);
      }
      const std::string value = i.form == Form::pointwise
                                    ? cuda_expression(i.op, operands, types, [this](const std::string& h) { need(h); })
                                    : element_of(v);
      line(fmt::format("{}[e] = {};", name, value));
      close();
    }
    arrays_[v] = name;
    declared_.insert(v);
  }
}

std::string CudaKernel::base_of(const Access& access, const std::string& name, bool writes) {
  const std::string from = pointer(access, name, writes);
  Access fixed = access;
  fixed.picks.clear();
  std::string rest = offset(fixed, name, loop_) + picked(access, name, changing(), false);
  if (!begin_.empty() && loops_over(access) && runs_evenly(access)) {
    const int last = static_cast<int>(std::bit_width(loop_)) - 1;
    const std::string step = stride(access, access.along(last)->stride, last, name);
    rest += " + " + begin_ + (step == "1" ? "" : " * " + step);
  }
  if (rest.empty()) return from;
  std::string base = name + "_at";
  if (bases_.insert(base).second)
    line(fmt::format("{}{}* const {} = {}{};", writes ? "" : "const ", element(access), base, from, rest));
  return base;
}

std::uint64_t CudaKernel::changing() const { return inner_ < 0 ? loop_ : loop_ | bit(inner_); }

std::string CudaKernel::index_of(int v) {
  const std::string name = operand(v, false);
  return at(v).type == Type::f32 ? "(int64_t)" + name : name;
}

std::string CudaKernel::step_of(const Access& access, const std::string& name) {
  std::string text = picked(access, name, changing(), true);
  if (runs_evenly(access)) {
    const int last = static_cast<int>(std::bit_width(loop_)) - 1;
    const std::string step = stride(access, access.along(last)->stride, last, name);
    return text + (step == "1" ? " + at" : " + at * " + step);
  }
  for (const Subscript& s : access.subscripts) {
    if (!(loop_ & bit(s.axis))) continue;
    const std::string step = stride(access, s.stride, s.axis, name);
    text += " + " + r_.axes[static_cast<std::size_t>(s.axis)].name + (step == "1" ? "" : " * " + step);
  }
  return text;
}

}  // namespace kerf
