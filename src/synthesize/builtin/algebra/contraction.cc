#include "synthesize/builtin/algebra/contraction.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"

namespace kerf {
namespace {

std::size_t rank_of(const GeneralGraph& graph, const TensorRef& ref) {
  const GeneralTensor* tensor = graph.tensor(ref);
  return tensor ? tensor->rank() : 0;
}

bool differ(const std::string& letters) {
  return std::set<char>(letters.begin(), letters.end()).size() == letters.size();
}

std::optional<Contraction> of_einsum(const GeneralGraph& graph, const GeneralNode& node) {
  const auto* equation = node.args.empty() ? nullptr : std::get_if<Constant>(&node.args[0].is);
  const auto* text = equation ? std::get_if<std::string>(&equation->values[0].is) : nullptr;
  const auto* list = node.args.size() < 2 ? nullptr : std::get_if<GeneralArgumentList>(&node.args[1].is);
  if (!text || !list || list->size() != 2) return std::nullopt;
  const auto *left = std::get_if<TensorRef>(&(*list)[0].is), *right = std::get_if<TensorRef>(&(*list)[1].is);
  std::string plain;
  std::ranges::copy_if(*text, std::back_inserter(plain), [](char c) { return c != ' '; });
  const std::size_t comma = plain.find(','), arrow = plain.find("->");
  if (!left || !right || comma == std::string::npos || arrow == std::string::npos || comma > arrow) return std::nullopt;
  if (plain.find('.') != std::string::npos) return std::nullopt;
  Contraction made{.left = {*left, plain.substr(0, comma)},
                   .right = {*right, plain.substr(comma + 1, arrow - comma - 1)},
                   .letters = plain.substr(arrow + 2)};
  for (const Factor* each : {&made.left, &made.right})
    if (each->letters.size() != rank_of(graph, each->ref) || !differ(each->letters)) return std::nullopt;
  return made;
}

}  // namespace

std::optional<std::int64_t> integer_at(const GeneralNode& node, std::size_t at, const char* key) {
  const GeneralArgument* argument = given(node, at, key);
  const auto* c = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  const auto* i = c && c->text.empty() ? std::get_if<std::int64_t>(&c->values[0].is) : nullptr;
  return i ? std::optional(*i) : std::nullopt;
}

std::optional<double> literal(const GeneralArgument& argument) {
  const auto* c = std::get_if<Constant>(&argument.is);
  if (!c || !c->text.empty()) return std::nullopt;
  if (const auto* d = std::get_if<double>(&c->values[0].is)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(&c->values[0].is)) return static_cast<double>(*i);
  if (const auto* b = std::get_if<bool>(&c->values[0].is)) return *b ? 1 : 0;
  return std::nullopt;
}

std::optional<Contraction> contraction(const GeneralGraph& graph, const GeneralNode& node) {
  if (!node.op.starts_with("aten.") || node.results.size() != 1) return std::nullopt;
  const std::string base = node.base();
  if (base == "einsum") return of_einsum(graph, node);
  const bool added = base == "baddbmm";
  if (!added && ((base != "matmul" && base != "bmm") || !node.kwargs.empty())) return std::nullopt;
  const TensorRef *left = tensor_at(node, added ? 1 : 0), *right = tensor_at(node, added ? 2 : 1);
  const std::size_t rank = node.results[0].rank();
  if (!left || !right || rank < 2 || rank > 8 || rank_of(graph, *left) != rank || rank_of(graph, *right) != rank)
    return std::nullopt;
  const std::string batch = std::string("abcdef").substr(0, rank - 2);
  return Contraction{.left = {*left, batch + "ik"}, .right = {*right, batch + "kj"}, .letters = batch + "ij"};
}

std::optional<std::vector<std::size_t>> permutation(const GeneralNode& node) {
  static const std::set<std::string> swaps = {"transpose", "swapaxes", "permute", "t", "numpy_T", "mT"};
  if (!node.op.starts_with("aten.") || !swaps.contains(node.base()) || node.results.size() != 1) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(node.results[0].rank());
  std::vector<std::size_t> made(static_cast<std::size_t>(rank));
  std::iota(made.begin(), made.end(), std::size_t{0});
  const auto dim = [&](std::int64_t d) { return static_cast<std::size_t>(d < 0 ? d + rank : d); };
  if (node.base() == "permute") {
    const GeneralArgument* dims = given(node, 1, "dims");
    const auto list = dims ? sizes(*dims, made.size()) : std::nullopt;
    if (!list) return std::nullopt;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = dim(value_of((*list)[i], 0));
  } else if (node.base() == "transpose" || node.base() == "swapaxes") {
    const auto a = integer_at(node, 1, "dim0"), b = integer_at(node, 2, "dim1");
    if (!a || !b) return std::nullopt;
    std::swap(made.at(dim(*a)), made.at(dim(*b)));
  } else if (node.base() == "mT") {
    if (rank < 2) return std::nullopt;
    std::swap(made[made.size() - 2], made.back());
  } else {
    std::ranges::reverse(made);
  }
  return made;
}

}  // namespace kerf
