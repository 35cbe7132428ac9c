// Passes over the axes of `loop_`: rounds of vectors, loads, stores.
#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cuda_expressions.h"
#include "synthesize/builtin/emit/cuda_kernel.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

}  // namespace

std::string CudaKernel::stride_of_threads() const {
  if (columns_) return lanes_;
  const std::string lanes = r_.reduced == 0 ? tune_ : lanes_;
  return s_.width == 1 ? lanes : fmt::format("{} * {}", lanes, s_.width);
}

// for each vector u of the thread: at
void CudaKernel::open_vectors() {
  line("#pragma unroll");
  open(fmt::format("for (int v = 0; v < {}; ++v) {{", vectors()));
  const std::string first = r_.reduced == 0 || s_.hold ? "" : "first + ";
  const std::string mine = r_.reduced == 0 ? "(int)threadIdx.x" : columns_ ? "slice" : "lane";
  const std::string lanes = r_.reduced == 0 ? tune_ : lanes_;
  std::string position = fmt::format("v * {} + {}", lanes, mine);
  if (!columns_ && s_.width > 1) position = fmt::format("({}) * {}", position, s_.width);
  line(fmt::format("const int at = {}{};", first, position));
  open("if (at < count) {");
}

void CudaKernel::load(int v, bool last) {
  const Instruction& i = at(v);
  const std::string name = cuda_name(i.name);
  const std::string base = base_of(i.access, i.name, false);
  const std::string step = stride(i.access, i.access.along(inner_)->stride, inner_, i.name);
  const std::string from = base + step_of(i.access, i.name);
  const bool vector = step == "1" && i.access.type == Type::f32;
  need("get");
  if (!vector) {
    line(fmt::format("gather({}[v], {}, {});", name, from, tail_ ? step + ", count - at" : step));
    return;
  }
  const bool past = last && past_ && i.axes == all_;
  if (past) need("get_past");
  line(fmt::format("{}({}[v], {}{});", past ? "get_past" : "get", name, from, tail_ ? ", count - at" : ""));
}

void CudaKernel::pass(const std::set<int>& wanted, bool last, bool indices, const Inside& inside) {
  std::set<int> values, loads, vectors_values, elements;
  for (const int v : wanted) collect(v, values);
  for (const int v : values) {
    if (at(v).form == Form::load && along_inner(v) && !is_by_element(v)) {
      if (!loaded_.contains(v)) loads.insert(v);
    } else {
      (along_inner(v) ? elements : vectors_values).insert(v);
    }
  }
  const std::set<int> declared = declared_;
  bool uneven = indices;
  for (const int v : values) {
    if (at(v).form == Form::index && (at(v).axes & loop_) != 0) uneven = true;
    if (at(v).form != Form::load || loaded_.contains(v)) continue;
    if ((at(v).access.guards() & loop_) != 0) uneven = true;
    if (loops_over(at(v).access) && !(along_inner(v) && runs_evenly(at(v).access))) uneven = true;
    if (along_inner(v)) base_of(at(v).access, at(v).name, false);
  }
  const bool loop = r_.reduced != 0 && !s_.hold;
  const std::string round =
      columns_ ? fmt::format("{} * {}", lanes_, s_.unroll) : fmt::format("{} * {}", stride_of_threads(), s_.unroll);
  if (loop) open(fmt::format("for (int first = 0; first < count; first += {}) {{", round));
  inside.begin_round();
  const auto unflatten_at = [&] {
    if (!uneven) return;
    const std::string e = begin_.empty() ? "at" : fmt::format("({})({} + at)", index_, begin_);
    std::vector<int> list;
    for (int a = 0; a <= inner_; ++a)
      if (loop_ & bit(a)) list.push_back(a);
    for (std::size_t k = 0; k < list.size(); ++k) {
      const std::string& n = r_.axes[static_cast<std::size_t>(list[k])].name;
      std::uint64_t below = 0;
      for (std::size_t m = k + 1; m < list.size(); ++m) below |= bit(list[m]);
      std::string text = e;
      if (below) text += fmt::format(" / ({})({})", index_, size_of_axes(below));
      if (k > 0) text += fmt::format(" % ({})({})", index_, size(list[k]));
      line(fmt::format("const {} {} = {};", index_, n, text));
    }
  };
  if (!loads.empty()) {
    for (const int v : loads)
      line(fmt::format("{} {}[{}][{}];", element(at(v).access), cuda_name(at(v).name), vectors(), width()));
    open_vectors();
    unflatten_at();
    const std::set<int> outside = declared_;
    for (const int v : loads) {
      std::set<int> index;  // what says where it is
      if (r_.picks_along(at(v).access, loop_))
        for (const Pick& pick : at(v).access.picks) collect(pick.index, index);
      declare_all(index, false);
    }
    for (const int v : loads) load(v, last);
    declared_ = outside;
    close();
    close();
    for (const int v : loads) {
      loaded_.insert(v);
      declared_.insert(v);
    }
  }
  bool keeping = false;
  if (keep_ && elements.contains(*keep_) && !loaded_.contains(*keep_)) {
    keeping = true;
    line(fmt::format("float {}_kept[items][{}];", at(*keep_).name, width()));
  }
  open_vectors();
  unflatten_at();
  declare_all(vectors_values, false);
  inside.begin_vector();
  line("#pragma unroll");
  open(fmt::format("for (int e = 0; e < {}; ++e) {{", width()));
  declare_all(elements, true);
  if (keeping) line(fmt::format("{}_kept[v][e] = {};", at(*keep_).name, operand(*keep_, true)));
  inside.element();
  close();
  inside.end_vector();
  close();
  close();
  inside.end_round();
  if (loop) close();
  // What a later pass finds in registers.
  const std::set<int> now = loaded_;
  declared_ = declared;
  for (const int v : now) {
    if (s_.hold || (keep_ && v == *keep_))
      declared_.insert(v);
    else
      loaded_.erase(v);
  }
  if (keeping) {
    loaded_.insert(*keep_);
    declared_.insert(*keep_);
  }
}

void CudaKernel::store_rows() {
  std::set<int> wanted;
  std::vector<std::size_t> which;
  bool indices = false;
  for (std::size_t k = 0; k < r_.stores.size(); ++k) {
    const Access& access = r_.stores[k].access;
    if (!loops_over(access)) continue;
    which.push_back(k);
    wanted.insert(r_.stores[k].value);
    indices = indices || !runs_evenly(access);
  }
  if (which.empty()) return;
  std::map<std::size_t, std::string> bases;
  for (const std::size_t k : which) bases[k] = base_of(r_.stores[k].access, store_name(k), true);
  const auto type_of = [&](std::size_t k) { return element(r_.stores[k].access); };
  Inside inside;
  inside.begin_vector = [&] {
    for (const std::size_t k : which) line(fmt::format("{} {}[{}];", type_of(k), store_name(k), width()));
  };
  inside.element = [&] {
    for (const std::size_t k : which)
      line(fmt::format("{}[e] = {};", store_name(k), operand(r_.stores[k].value, true)));
  };
  inside.end_vector = [&] {
    for (const std::size_t k : which) {
      const Access& access = r_.stores[k].access;
      const std::string to = bases[k] + step_of(access, store_name(k));
      const Subscript* s = access.along(inner_);
      if (s == nullptr) {
        line(fmt::format("*({}) = {}[0];", to, store_name(k)));
        continue;
      }
      const std::string step = stride(access, s->stride, inner_, store_name(k));
      const std::string left = tail_ ? ", count - at" : "";
      need("put");
      if (step == "1" && access.type == Type::f32) {
        if (past_) need("put_past");
        line(fmt::format("{}({}, {}{});", past_ ? "put_past" : "put", to, store_name(k), left));
      } else {
        line(fmt::format("scatter({}, {}, {}{});", to, store_name(k), step, left));
      }
    }
  };
  pass(wanted, true, indices, inside);
}

void CudaKernel::store_results(const std::string& condition) {
  std::vector<std::size_t> which;
  for (std::size_t k = 0; k < r_.stores.size(); ++k)
    if (!loops_over(r_.stores[k].access)) which.push_back(k);
  if (which.empty()) return;
  if (!condition.empty()) open(fmt::format("if ({}) {{", condition));
  const std::set<int> declared = declared_;
  for (const std::size_t k : which) {
    const RegionStore& store = r_.stores[k];
    const std::string name = store_name(k);
    std::set<int> values;
    collect(store.value, values);
    if (columns_ && arrays_.contains(store.value)) {
      const std::string step = stride(store.access, store.access.along(inner_)->stride, inner_, name);
      const std::string base = base_of(store.access, name, true);
      if (store.access.type != at(store.value).type) {  // integers that are floats
        line("#pragma unroll");
        line(fmt::format("for (int e = 0; e < {}; ++e) {}[e * {}] = (int64_t){}[e];", width(), base, step,
                         cuda_name(at(store.value).name)));
        continue;
      }
      need("put");
      line(step == "1" && store.access.type == Type::f32
               ? fmt::format("put({}, {});", base, cuda_name(at(store.value).name))
               : fmt::format("scatter({}, {}, {});", base, cuda_name(at(store.value).name), step));
      continue;
    }
    declare_all(values, false);
    line(fmt::format("{}[{}] = {}{};", pointer(store.access, name, true), cpp_index(offset(store.access, name, 0)),
                     wide_.contains(store.value) ? "(float)" : "", operand(store.value, false)));
  }
  declared_ = declared;
  if (!condition.empty()) close();
}

}  // namespace kerf
