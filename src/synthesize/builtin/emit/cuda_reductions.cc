// What threads reduce, and how their results are joined.
#include <fmt/format.h>

#include <algorithm>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cuda_expressions.h"
#include "synthesize/builtin/emit/cuda_kernel.h"

namespace kerf {

std::string CudaKernel::first_of(ReduceOp op) const {
  if (op == ReduceOp::sum) return "0.0f";
  if (op == ReduceOp::prod) return "1.0f";
  const bool low = op == ReduceOp::max || op == ReduceOp::argmax;
  return low ? "-infinity()" : "infinity()";
}

std::string CudaKernel::stem(std::size_t part) const {
  const KernelPart& p = parts_[part];
  const char* what = !p.joint                                ? to_string(at(p.reductions[0]).reduce)
                     : p.joint->kind == Joint::Kind::moments ? "moments"
                                                             : "exponentials";
  return fmt::format("{}_of_pass_{}", what, part + 1);
}

std::int64_t CudaKernel::stretch() const {
  const std::int64_t threads = *std::ranges::min_element(s_.block);
  if (s_.hold || s_.overlap) return 0;
  std::int64_t vectors = vectors_a_thread(r_, s_, threads), most = 1024;
  if (s_.sketch == Sketch::split) {
    // A thread has a chunk's part; 1,024 additions in float are too many where a few terms are large (an H200, group
    // norm of 2,097,152: three times the error that is allowed).
    most = 256, vectors = 0;
    for (std::size_t w = 0; w < r_.workloads; ++w) {
      const std::int64_t chunks = std::max<std::int64_t>(1, s_.resident / r_.extent_of(kept_).values[w]);
      const std::int64_t step = s_.width * threads * chunks;
      vectors = std::max(vectors, (r_.extent_of(r_.reduced).values[w] + step - 1) / step);
    }
  }
  const std::int64_t rounds = (vectors + s_.unroll - 1) / s_.unroll;
  return rounds * s_.unroll > most ? most : 0;
}

std::vector<CudaKernel::Total> CudaKernel::totals_of(std::size_t part) const {
  const KernelPart& p = parts_[part];
  const std::string name = stem(part);
  if (p.joint && p.joint->kind == Joint::Kind::moments)
    return {{.name = name,
             .type = "Moments",
             .join = "JoinMoments()",
             .none = "Moments{0, 0, 0}",
             .numbers = {name + ".count", name + ".mean", name + ".squares"},
             .made = "Moments{{{0}, {1}, {2}}}"}};
  if (p.joint)
    return {{.name = name,
             .type = "Exponentials",
             .join = "JoinExponentials()",
             .none = "Exponentials{-infinity(), 0}",
             .numbers = {name + ".top", name + ".total"},
             .made = "Exponentials{{(float){0}, {1}}}"}};
  std::vector<Total> found;
  for (std::size_t k = 0; k < p.reductions.size(); ++k) {
    const ReduceOp op = at(p.reductions[k]).reduce;
    Total total{.name = fmt::format("{}_{}", name, k),
                .type = "float",
                .join = "",
                .none = first_of(op),
                .numbers = {},
                .made = "(float){0}"};
    total.numbers = {total.name};
    switch (op) {
      case ReduceOp::sum:
        total.type = "double";
        total.none = "0.0";
        total.join = "Plus()";
        total.made = "{0}";
        break;
      case ReduceOp::prod:
        total.join = "Times()";
        break;
      case ReduceOp::max:
        total.join = "Greater()";
        break;
      case ReduceOp::min:
        total.join = "Smaller()";
        break;
      case ReduceOp::argmax:
      case ReduceOp::argmin:
        total.type = "Place";
        total.join = fmt::format("Beyond<{}>()", op == ReduceOp::argmax);
        break;
    }
    found.push_back(std::move(total));
  }
  return found;
}

void CudaKernel::reduce_part(std::size_t part) {
  need("join");
  if (parts_[part].joint) {
    reduce_joint(part);
  } else {
    reduce_alike(part);
  }
}

void CudaKernel::reduce_alike(std::size_t part) {
  const KernelPart& p = parts_[part];
  const std::string name = stem(part);
  const ReduceOp op = at(p.reductions[0]).reduce;
  const bool position = is_position(op), sum = op == ReduceOp::sum;
  const std::size_t count = p.reductions.size();
  const std::int64_t flush = sum ? stretch() : 0;
  std::set<int> wanted;
  for (const int v : p.reductions) wanted.insert(at(v).operands[0]);
  const bool last = part + 1 == parts_.size() && !stores_rows(r_);
  const std::string lanes = fmt::format("{}[{}][{}]", name, count, width());
  const auto each = [&](const std::string& what) {
    line("#pragma unroll");
    open(fmt::format("for (int e = 0; e < {}; ++e) {{", width()));
    for (std::size_t j = 0; j < count; ++j) line(fmt::format(fmt::runtime(what), j));
    close();
  };
  if (flush) {
    line(columns_ ? fmt::format("double {}_so_far[{}][{}] = {{}};", name, count, width())
                  : fmt::format("double {}_so_far[{}] = {{}};", name, count));
    line(fmt::format("int {}_left = {};", name, flush));
  }
  const std::string type = position ? "Place" : "float";
  line(fmt::format("{} {}{};", type, lanes, sum ? " = {}" : ""));
  if (position) need("place");
  if (!sum) {
    // Threads that have no element at all are beyond every position.
    each(name +
         "[{}][e] = " + (position ? fmt::format("Place{{{{{}, 2147483647}}}};", first_of(op)) : first_of(op) + ";"));
  }
  Inside inside;
  inside.element = [&] {
    for (std::size_t j = 0; j < count; ++j) {
      const std::string term = operand(at(p.reductions[j]).operands[0], true);
      const std::string to = fmt::format("{}[{}][e]", name, j);
      switch (op) {
        case ReduceOp::sum:
          line(fmt::format("{} += {};", to, term));
          break;
        case ReduceOp::prod:
          line(fmt::format("{} *= {};", to, term));
          break;
        case ReduceOp::max:
          need("greater");
          line(fmt::format("{0} = greater({1}, {0});", to, term));
          break;
        case ReduceOp::min:
          need("smaller");
          line(fmt::format("{0} = smaller({1}, {0});", to, term));
          break;
        case ReduceOp::argmax:
        case ReduceOp::argmin:
          line(fmt::format("consider<{}>({}, {}, {});", op == ReduceOp::argmax, to, term, columns_ ? "at" : "at + e"));
          break;
      }
    }
  };
  const auto flush_lines = [&] {
    if (columns_) {
      each(fmt::format("{0}_so_far[{{0}}][e] += {0}[{{0}}][e], {0}[{{0}}][e] = 0.0f;", name));
      return;
    }
    for (std::size_t j = 0; j < count; ++j) line(fmt::format("{0}_so_far[{1}] += in_double({0}[{1}]);", name, j));
    each(name + "[{}][e] = 0.0f;");
  };
  if (flush)
    inside.end_round = [&] {
      open(fmt::format("if (({}_left -= {}) <= 0) {{", name, s_.unroll));
      flush_lines();
      line(fmt::format("{}_left = {};", name, flush));
      close();
    };
  pass(wanted, last, false, inside);
  if (flush) flush_lines();
  // The thread's results, joined with those of the others.
  const std::vector<Total> totals = totals_of(part);
  for (std::size_t j = 0; j < count; ++j) {
    const Total& t = totals[j];
    if (columns_) {
      const std::string result = cuda_name(at(p.reductions[j]).name);
      const std::string own = flush ? fmt::format("{}_so_far[{}][e]", name, j)
                              : sum ? fmt::format("(double){}[{}][e]", name, j)
                                    : fmt::format("{}[{}][e]", name, j);
      line(fmt::format("{} {}[{}];", position ? "int64_t" : "float", result, width()));
      line("#pragma unroll");
      line(fmt::format("for (int e = 0; e < {}; ++e) {}[e] = {}among<{} / {}, {}>({}, {}){};", width(), result,
                       sum ? "(float)" : "", tune_, lanes_, lanes_, own, t.join, position ? ".at" : ""));
      need("among");
      continue;
    }
    const std::string own = flush ? fmt::format("{}_so_far[{}]", name, j)
                            : sum ? fmt::format("in_double({}[{}])", name, j)
                                  : fmt::format("joined({}[{}], {})", name, j, t.join);
    need("across");
    line(fmt::format("const {} {} = across<{}>({}, {});", t.type, t.name, lanes_, own, t.join));
  }
}

void CudaKernel::reduce_joint(std::size_t part) {
  const Joint& joint = *parts_[part].joint;
  const std::string name = stem(part);
  const Total total = totals_of(part).front();
  const bool moments = joint.kind == Joint::Kind::moments;
  need(moments ? "moments" : "exponentials");
  const std::string vectors_text = vectors();
  if (columns_) {
    line(fmt::format("{} {}_lane[{}];", total.type, name, width()));
    line("#pragma unroll");
    line(fmt::format("for (int e = 0; e < {}; ++e) {}_lane[e] = {};", width(), name, total.none));
  } else {
    line(fmt::format("{} {}_lane = {};", total.type, name, total.none));
  }
  Inside inside;
  inside.begin_round = [&] {
    line(columns_ ? fmt::format("float term[{}][{}];", width(), vectors_text)
                  : fmt::format("float term[{} * {}];", vectors_text, width()));
    line("int terms = 0;");
  };
  inside.element = [&] {
    line(fmt::format("term{} = {};", columns_ ? "[e][v]" : fmt::format("[v * {} + e]", width()),
                     operand(joint.value, true)));
  };
  inside.end_vector = [&] { line(fmt::format("terms += {};", columns_ ? "1" : width())); };
  inside.end_round = [&] {
    if (columns_) {
      line("#pragma unroll");
      line(fmt::format("for (int e = 0; e < {0}; ++e) take_in({1}_lane[e], term[e], terms);", width(), name));
    } else {
      line(fmt::format("take_in({}_lane, term, terms);", name));
    }
  };
  pass({joint.value}, part + 1 == parts_.size() && !stores_rows(r_), false, inside);
  if (!columns_) {
    need("across");
    line(fmt::format("const {0} {1} = across<{2}>({1}_lane, {3});", total.type, name, lanes_, total.join));
    return;
  }
  need("among");
  const std::string first = cuda_name(at(joint.first).name), second = cuda_name(at(joint.second).name);
  line(fmt::format("float {}[{}], {}[{}];", first, width(), second, width()));
  line("#pragma unroll");
  open(fmt::format("for (int e = 0; e < {}; ++e) {{", width()));
  line(fmt::format("const {} all = among<{} / {}, {}>({}_lane[e], {});", total.type, tune_, lanes_, lanes_, name,
                   total.join));
  line(moments ? fmt::format("{}[e] = (float)(all.mean * all.count), {}[e] = (float)all.squares;", first, second)
               : fmt::format("{}[e] = all.top, {}[e] = (float)sum_of(all);", first, second));
  close();
}

void CudaKernel::declare_results(std::size_t part) {
  const KernelPart& p = parts_[part];
  for (const int v : p.reductions) declared_.insert(v);
  if (columns_) {
    for (const int v : p.reductions) arrays_[v] = cuda_name(at(v).name);
    return;
  }
  const auto result = [&](int v, const std::string& text) {
    const bool sum = at(v).reduce == ReduceOp::sum, position = is_position(at(v).reduce);
    if (sum) wide_.insert(v);
    line(fmt::format("const {} {} = {};",
                     sum        ? "double"
                     : position ? "int64_t"
                                : "float",
                     cuda_name(at(v).name), text));
  };
  const std::vector<Total> totals = totals_of(part);
  if (p.joint && p.joint->kind == Joint::Kind::moments) {
    result(p.joint->first, fmt::format("{0}.mean * {0}.count", totals[0].name));
    result(p.joint->second, totals[0].name + ".squares");
  } else if (p.joint) {
    result(p.joint->first, totals[0].name + ".top");
    result(p.joint->second, fmt::format("sum_of({})", totals[0].name));
  } else {
    for (std::size_t k = 0; k < p.reductions.size(); ++k)
      result(p.reductions[k], totals[k].name + (is_position(at(p.reductions[k]).reduce) ? ".at" : ""));
  }
}

}  // namespace kerf
