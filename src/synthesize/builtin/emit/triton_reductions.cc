// What tiles are reduced to, and how partial results are joined.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "synthesize/builtin/emit/triton_text.h"
#include "synthesize/builtin/triton_tiles.h"

namespace kerf {
namespace {

constexpr const char* highest = "float(\"inf\")";
constexpr const char* lowest = "-float(\"inf\")";

const char* none_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "0.0";
    case ReduceOp::prod:
      return "1.0";
    case ReduceOp::max:
    case ReduceOp::argmax:
      return lowest;
    case ReduceOp::min:
    case ReduceOp::argmin:
      return highest;
  }
  return "0.0";
}

const char* join_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "";
    case ReduceOp::prod:
      return "times";
    case ReduceOp::max:
      return "greater";
    case ReduceOp::min:
      return "smaller";
    case ReduceOp::argmax:
      return "further_up";
    case ReduceOp::argmin:
      return "further_down";
  }
  return "";
}

}  // namespace

std::string TritonText::stem(std::size_t part) const {
  return fmt::format("{}_{}", parts_[part].joint->kind == Joint::Kind::moments ? "moments" : "exponentials", part + 1);
}

std::vector<TritonText::Number> TritonText::numbers_of(std::size_t part) const {
  const KernelPart& p = parts_[part];
  if (p.joint && p.joint->kind == Joint::Kind::moments)
    return {{stem(part) + "_count", "0.0"}, {stem(part) + "_mean", "0.0"}, {stem(part) + "_squares", "0.0"}};
  if (p.joint) return {{stem(part) + "_top", lowest, false}, {stem(part) + "_total", "0.0"}};
  std::vector<Number> numbers;
  for (const int v : p.reductions)
    numbers.push_back({at(v).name, none_of(at(v).reduce), at(v).reduce == ReduceOp::sum});
  return numbers;
}

std::vector<TritonText::Number> TritonText::numbers_in(int wave) const {
  std::vector<Number> found;
  for (const std::size_t part : parts_in(wave))
    for (Number& n : numbers_of(part)) found.push_back(std::move(n));
  return found;
}

std::string TritonText::reduced(const std::string& what, const std::string& join) const {
  const int axis = two_dimensional() && !columns_ ? 1 : 0;
  return join.empty() ? fmt::format("tl.sum({}, {}{})", what, axis, keep_dims())
                      : fmt::format("tl.reduce({}, {}, {}{})", what, axis, join, keep_dims());
}

void TritonText::reduce_part(std::size_t part) {
  const KernelPart& p = parts_[part];
  if (!p.joint) {
    reduce_alike(part);
  } else if (p.joint->kind == Joint::Kind::moments) {
    reduce_moments(part);
  } else {
    reduce_exponentials(part);
  }
}

void TritonText::join(std::size_t part, const std::vector<std::string>& tiles) {
  const KernelPart& p = parts_[part];
  const std::vector<Number> numbers = numbers_of(part);
  if (p.joint) {
    const char* helper = p.joint->kind == Joint::Kind::moments ? "join_moments" : "join_exponentials";
    need(helper);
    std::vector<std::string> names;
    for (const Number& n : numbers) names.push_back(n.name);
    line(fmt::format("{} = {}", fmt::join(names, ", "), reduced(fmt::format("({})", fmt::join(tiles, ", ")), helper)));
    return;
  }
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    const std::string helper = join_of(at(p.reductions[k]).reduce);
    if (!helper.empty()) need(helper);
    line(fmt::format("{} = {}", numbers[k].name, reduced(tiles[k], helper)));
  }
}

void TritonText::reduce_alike(std::size_t part) {
  const KernelPart& p = parts_[part];
  const bool last = part + 1 == parts_.size();
  std::set<int> wanted;
  for (const int v : p.reductions) wanted.insert(at(v).operands[0]);
  const auto term = [&](int v) {
    const int o = at(v).operands[0];
    if (at(o).form == Instruction::Form::parameter) declare(o);
    return fmt::format("tl.where(inside, {}, {})", narrow(o), none_of(at(v).reduce));
  };
  constexpr const char* nowhere = "2147483647";
  if (held_) {
    pass(wanted, last, [&] {
      for (const int v : p.reductions) {
        const ReduceOp op = at(v).reduce;
        const std::string helper = join_of(op);
        if (!helper.empty()) need(helper);
        if (is_position(op)) {
          line(fmt::format(
              "_, {} = {}", at(v).name,
              reduced(fmt::format("({}, tl.where(inside, at, {}) + tl.zeros({}, tl.int32))", term(v), nowhere, shape_),
                      helper)));
        } else {
          line(fmt::format("{} = {}", at(v).name,
                           reduced(term(v) + (op == ReduceOp::sum ? ".to(tl.float64)" : ""), helper)));
        }
      }
    });
    return;
  }
  // Sums of more rounds than this run in double.
  constexpr std::int64_t most = 1024;
  const Extent reduced_extent = r_.extent_of(r_.reduced);
  const std::int64_t length = *std::ranges::max_element(reduced_extent.values);
  const bool long_row = length / tile_length(r_, s_, s_.block.front()) > most;
  const auto so_far = [&](int v) { return at(v).name + "_so_far"; };
  for (const int v : p.reductions) {
    const ReduceOp op = at(v).reduce;
    line(fmt::format("{} = tl.full({}, {}, tl.{})", so_far(v), shape_, none_of(op),
                     op == ReduceOp::sum && long_row ? "float64" : "float32"));
    if (is_position(op)) line(fmt::format("{}_at = tl.full({}, {}, tl.int32)", so_far(v), shape_, nowhere));
  }
  pass(wanted, last, [&] {
    for (const int v : p.reductions) {
      const ReduceOp op = at(v).reduce;
      const std::string helper = join_of(op);
      if (!helper.empty()) need(helper);
      if (is_position(op)) {
        line(fmt::format("{0}, {0}_at = {1}({0}, {0}_at, {2}, tl.where(inside, at, {3}))", so_far(v), helper, term(v),
                         nowhere));
      } else if (op == ReduceOp::sum) {
        line(fmt::format("{} += {}", so_far(v), term(v)));
      } else if (op == ReduceOp::prod) {
        line(fmt::format("{} *= {}", so_far(v), term(v)));
      } else {
        line(fmt::format("{0} = {1}({0}, {2})", so_far(v), helper, term(v)));
      }
    }
  });
  std::vector<std::string> tiles;
  for (const int v : p.reductions) {
    if (is_position(at(v).reduce)) {
      line(fmt::format("_, {} = {}", at(v).name,
                       reduced(fmt::format("({0}, {0}_at)", so_far(v)), join_of(at(v).reduce))));
    } else {
      tiles.push_back(so_far(v) + (at(v).reduce == ReduceOp::sum && !long_row ? ".to(tl.float64)" : ""));
    }
  }
  if (!tiles.empty()) join(part, tiles);
}

// Each position of the tile has its own count, mean and squares, which are joined behind the loop. The count is that of
// all rounds so far, the same for all that are inside: one division a round.
void TritonText::reduce_moments(std::size_t part) {
  const std::vector<Number> numbers = numbers_of(part);
  const int value = parts_[part].joint->value;
  std::vector<std::string> own;
  for (const Number& n : numbers) {
    own.push_back(n.name + "_so_far");
    line(fmt::format("{} = tl.zeros({}, tl.float32)", own.back(), shape_));
  }
  pass({value}, part + 1 == parts_.size(), [&] {
    line(fmt::format("{} += tl.where(inside, 1.0, 0.0)", own[0]));
    line(fmt::format("apart = {} - {}", narrow(value), own[1]));
    if (!held_) line(fmt::format("share = 1.0 / tl.cast((first - {}) // {} + 1, tl.float32)", start_, step_));
    line(fmt::format("{} += tl.where(inside, apart{}, 0.0)", own[1], held_ ? "" : " * share"));
    line(fmt::format("{} += tl.where(inside, apart * ({} - {}), 0.0)", own[2], narrow(value), own[1]));
  });
  for (std::string& each : own) each += ".to(tl.float64)";
  join(part, own);
}

void TritonText::reduce_exponentials(std::size_t part) {
  const std::vector<Number> numbers = numbers_of(part);
  const int value = parts_[part].joint->value;
  const std::string tops = numbers[0].name + "_so_far", totals = numbers[1].name + "_so_far";
  line(fmt::format("{} = tl.full({}, {}, tl.float32)", tops, shape_, lowest));
  line(fmt::format("{} = tl.zeros({}, tl.float32)", totals, shape_));
  need("join_exponentials");
  pass({value}, part + 1 == parts_.size(), [&] {
    line(fmt::format("{0}, {1} = join_exponentials({0}, {1}, tl.where(inside, {2}, {3}), 1.0)", tops, totals,
                     narrow(value), lowest));
  });
  join(part, {tops, totals + ".to(tl.float64)"});
}

void TritonText::declare_results(std::size_t part) {
  const KernelPart& p = parts_[part];
  for (const int v : p.reductions) {
    declared_.insert(v);
    if (at(v).reduce == ReduceOp::sum) wide_.insert(v);
  }
  if (!p.joint) return;
  const std::string first = at(p.joint->first).name, second = at(p.joint->second).name;
  const std::vector<Number> numbers = numbers_of(part);
  if (p.joint->kind == Joint::Kind::moments) {
    line(fmt::format("{} = {} * {}", first, numbers[1].name, numbers[0].name));
    line(fmt::format("{} = {}", second, numbers[2].name));
    return;
  }
  line(fmt::format("{} = {}", first, numbers[0].name));
  // As exp(-inf - -inf) has it.
  line(fmt::format("{} = tl.where({} == {}, float(\"nan\"), {})", second, numbers[0].name, lowest, numbers[1].name));
}

}  // namespace kerf
