#include "synthesize/builtin/algebra/row_losses.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/lower.h"

namespace kerf {
namespace {

struct RowLoss {
  const char* op;
  std::size_t reduction;  // which argument says what becomes of the losses
  std::size_t rows;       // a tensor with an element a row, or …
  bool of_last;           // … whose last dimension is a row
  bool classes;           // that tensor says the class of each row
  bool ignores;           // rows of a class that is ignored do not count
};
constexpr std::array losses = {RowLoss{"aten.cross_entropy_loss.default", 3, 1, false, true, true},
                               RowLoss{"aten.nll_loss_nd.default", 3, 1, false, true, true},
                               RowLoss{"aten.multi_margin_loss.default", 5, 1, false, true, false},
                               RowLoss{"aten.triplet_margin_loss.default", 7, 0, true, false, false},
                               RowLoss{"aten.cosine_embedding_loss.default", 4, 2, false, false, false}};

std::int64_t integer(const GeneralArgument* argument, std::int64_t otherwise) {
  const auto* c = argument ? std::get_if<Constant>(&argument->is) : nullptr;
  const auto* i = c && c->text.empty() ? std::get_if<std::int64_t>(&c->values[0].is) : nullptr;
  return i ? *i : otherwise;
}

// Minus the weight of each row's class, 0 where it is ignored: the loss of rows that all hold the weights.
std::vector<GeneralNode> weights_of_rows(const GeneralGraph& graph, const GeneralNode& whole, const TensorRef& weight,
                                         const std::string& name, const GeneralArgument& ignored) {
  const TensorRef &x = *tensor_at(whole, 0), &classes = *tensor_at(whole, 1);
  const GeneralTensor& rows = *graph.tensor(x);
  std::vector<GeneralNode> made;
  TensorRef by_class = weight;
  if (rows.rank() > 2) {
    GeneralArgumentList sizes = {constant(graph, Value{std::int64_t{-1}})};
    sizes.resize(rows.rank() - 1, constant(graph, Value{std::int64_t{1}}));
    std::vector<std::vector<std::int64_t>> shape;
    for (const auto& each : rows.shape) {
      shape.emplace_back(each.size() - 1, 1);
      shape.back()[0] = each[1];
    }
    by_class = {name + "_by_class", 0};
    made.push_back(make_node(by_class.name, "aten.view.default", {{weight}, {std::move(sizes)}}, contiguous(shape)));
  }
  GeneralTensor repeated = rows;
  for (auto& each : repeated.stride) {
    std::ranges::fill(each, 0);
    each[1] = 1;
  }
  const TensorRef spread{name + "_spread", 0};
  made.push_back(make_node(spread.name, "aten.expand_as.default", {{by_class}, {x}}, std::move(repeated)));
  made.push_back(
      make_node(name, "aten.nll_loss_nd.default",
                {{spread}, {classes}, constant(graph, Value{}), constant(graph, Value{std::int64_t{0}}), ignored},
                contiguous(graph.tensor(classes)->shape)));
  return made;
}

}  // namespace

bool row_losses(GeneralGraph& graph, std::size_t at) {
  const GeneralNode whole = graph.nodes[at];
  const auto* const loss = std::ranges::find_if(losses, [&](const RowLoss& each) { return whole.op == each.op; });
  if (loss == losses.end()) return false;
  const std::int64_t reduction = integer(given(whole, loss->reduction, "reduction"), 1);
  const TensorRef* ref = tensor_at(whole, loss->rows);
  const GeneralTensor* tensor = ref ? graph.tensor(*ref) : nullptr;
  if ((reduction != 1 && reduction != 2) || !tensor || (loss->of_last && tensor->rank() < 2)) return false;
  for (std::size_t k = 0; k < 3 && !loss->classes; ++k) {  // rows of equal shape, none broadcast
    const TensorRef* each = tensor_at(whole, k);
    const GeneralTensor* other = each ? graph.tensor(*each) : nullptr;
    const GeneralTensor* first = graph.tensor(*tensor_at(whole, 0));
    if (!other || (k == loss->rows && !loss->of_last ? other->rank() != 1 : other->shape != first->shape)) return false;
  }
  const TensorRef* first = tensor_at(whole, 0);
  const bool shares = loss->classes && first && tensor->rank() > 1 && graph.tensor(*first) &&
                      graph.tensor(*first)->shape == tensor->shape;  // of every class, in place of a row's class
  const bool ignores = loss->ignores && !shares;
  std::vector<std::vector<std::int64_t>> shape = tensor->shape;
  if (loss->of_last || shares)
    for (auto& each : shape) each.erase(shares ? each.begin() + 1 : each.end() - 1);
  GeneralNode rows = whole;
  rows.name += "_rows";
  rows.inplace.clear();
  std::erase_if(rows.kwargs, [](const auto& each) { return each.first == "reduction"; });
  if (rows.args.size() > loss->reduction) {
    rows.args[loss->reduction] = constant(graph, Value{std::int64_t{0}});
  } else {
    rows.kwargs.emplace_back("reduction", constant(graph, Value{std::int64_t{0}}));
  }
  rows.results = {contiguous(shape)};
  if (!lowers(graph, rows)) return false;
  const TensorRef of_rows{rows.name, 0};
  std::vector<GeneralNode> made = {std::move(rows)};
  if (reduction == 2 || ignores) {
    const std::string name = reduction == 2 ? whole.name : whole.name + "_total";
    made.push_back(make_node(name, "aten.sum.default", {{of_rows}}, whole.results.at(0)));
  } else {
    made.push_back(make_node(whole.name, "aten.mean.default", {{of_rows}}, whole.results.at(0)));
  }
  if (reduction == 1 && ignores) {
    const TensorRef total{whole.name + "_total", 0}, count{whole.name + "_count", 0}, counts{whole.name + "_counts", 0};
    const GeneralArgument* argument = given(whole, 4, "ignore_index");
    const GeneralArgument ignored = argument ? *argument : constant(graph, Value{std::int64_t{-100}});
    const GeneralArgument* weights = given(whole, 2, "weight");
    if (const auto* weight = weights ? std::get_if<TensorRef>(&weights->is) : nullptr) {
      std::ranges::move(weights_of_rows(graph, whole, *weight, counts.name, ignored), std::back_inserter(made));
      made.push_back(make_node(count.name, "aten.sum.default", {{counts}}, whole.results[0]));
      const TensorRef quotient{whole.name + "_quotient", 0};
      made.push_back(make_node(quotient.name, "aten.div.Tensor", {{total}, {count}}, whole.results[0]));
      made.push_back(make_node(whole.name, "aten.neg.default", {{quotient}}, whole.results[0]));
    } else {
      GeneralTensor mask = contiguous(std::move(shape)), number = whole.results[0];
      mask.dtype = Dtype::boolean;
      number.dtype = Dtype::i64;
      made.push_back(make_node(counts.name, "aten.ne.Scalar", {{*ref}, ignored}, std::move(mask)));
      made.push_back(make_node(count.name, "aten.sum.default", {{counts}}, std::move(number)));
      made.push_back(make_node(whole.name, "aten.div.Tensor", {{total}, {count}}, whole.results[0]));
    }
  }
  replace_node(graph, at, std::move(made));
  return true;
}

}  // namespace kerf
