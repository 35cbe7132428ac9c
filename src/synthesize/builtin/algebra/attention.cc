#include "synthesize/builtin/algebra/attention.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/algebra/building.h"
#include "synthesize/builtin/algebra/contraction.h"
#include "synthesize/builtin/algebra/identities.h"
#include "synthesize/builtin/algebra/scores.h"

namespace kerf {
namespace {

// The softmax over the last dimension behind an operand, and the operand's letters in the softmax's order.
struct Weights {
  const GeneralNode* softmax = nullptr;
  std::string letters;
};

bool is_softmax(const GeneralNode& node) {
  if (node.op != "aten.softmax.int" && node.op != "aten._softmax.default") return false;
  const auto dim = integer_at(node, 1, "dim");
  const GeneralTensor& result = node.results[0];
  return dim && (*dim == -1 || *dim == static_cast<std::int64_t>(result.rank()) - 1) && result.dtype == Dtype::f32;
}

// Letters of what is before a node that swaps dimensions.
std::string letters_before(const std::string& letters, const std::vector<std::size_t>& swapped) {
  std::string made(letters.size(), ' ');
  for (std::size_t i = 0; i < letters.size(); ++i) made[swapped[i]] = letters[i];
  return made;
}

std::optional<Weights> weights_of(const GeneralGraph& graph, Factor factor) {
  static const std::set<std::string> same = {"alias", "detach", "clone", "contiguous", "to", "_to_copy"};
  while (uses(graph, factor.ref.name) == 1) {
    const GeneralNode* node = graph.node(factor.ref.name);
    if (!node || node->results.size() != 1 || node->results[0].dtype != Dtype::f32) return std::nullopt;
    if (is_softmax(*node)) return Weights{node, factor.letters};
    const TensorRef* before = tensor_at(*node, 0);
    if (!before) return std::nullopt;
    const auto swapped = permutation(*node);
    const GeneralArgument *rate = given(*node, 1, "p"), *train = given(*node, 2, "train");
    const bool drops = node->base() != "dropout" || !rate || !train || (literal(*train) != 0 && literal(*rate) != 0);
    if (swapped) {
      factor.letters = letters_before(factor.letters, *swapped);
    } else if (!same.contains(node->base()) && drops) {
      return std::nullopt;
    }
    factor.ref = *before;
  }
  return std::nullopt;
}

bool holds(const std::string& letters, char c) { return letters.find(c) != std::string::npos; }
// The one letter that `of` has and `other` lacks; 0 where that is not one.
char only_in(const std::string& of, const std::string& other) {
  char found = 0;
  for (const char c : of)
    if (!holds(other, c)) {
      if (found != 0) return 0;
      found = c;
    }
  return found;
}
bool same_letters(std::string a, std::string b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  return a == b;
}

class Rewrite {
 public:
  Rewrite(GeneralGraph& graph, std::size_t at) : graph_(graph), at_(at), last_(graph.nodes[at]), name_(last_.name) {}

  bool run() {
    const auto product = contraction(graph_, last_);
    if (!product || last_.base() == "baddbmm" || last_.results[0].dtype != Dtype::f32) return false;
    return with(*product, product->left, product->right) || with(*product, product->right, product->left);
  }

 private:
  // The weights times values: batches, queries and keys in this order, as the softmax has them.
  bool with(const Contraction& product, const Factor& left, const Factor& values) {
    const auto weights = weights_of(graph_, left);
    if (!weights) return false;
    const std::string& w = weights->letters;
    rank_ = w.size();
    if (rank_ != 3 && rank_ != 4) return false;
    const std::string batch = w.substr(0, rank_ - 2);
    const char query = w[rank_ - 2], key = w[rank_ - 1], width = only_in(values.letters, w);
    if (width == 0 || !same_letters(values.letters, batch + key + width) ||
        !same_letters(product.letters, batch + query + width))
      return false;
    const TensorRef* inside = tensor_at(*weights->softmax, 0);
    auto found = inside ? scores(graph_, *inside, name_) : std::nullopt;
    if (!found || !operands(*found, values, batch + key + width)) return false;
    write(*found, batch + query + width, product.letters);
    return true;
  }

  // Queries, keys and values, each as matrices along its last dimension.
  bool operands(Scores& s, const Factor& values, const std::string& wanted) {
    const std::string& p = s.product.letters;
    if (p.size() != rank_) return false;
    const std::string batch = p.substr(0, rank_ - 2);
    Factor q = s.product.left, k = s.product.right, v = values;
    if (!holds(q.letters, p[rank_ - 2])) std::swap(q, k);
    const char summed = only_in(q.letters, p);
    if (summed == 0 || !same_letters(q.letters, batch + p[rank_ - 2] + summed) ||
        !same_letters(k.letters, batch + p[rank_ - 1] + summed))
      return false;
    for (Factor* each : {&q, &k}) strip(*each, &s.scale);
    strip(v, nullptr);
    query_ = arranged(q, batch + p[rank_ - 2] + summed, "_query");
    key_ = arranged(k, batch + p[rank_ - 1] + summed, "_key");
    value_ = arranged(v, wanted, "_value");
    if (fits()) return true;
    made_.clear();
    return false;
  }

  // Shapes that the library's own kernel takes: rows of one width, in vectors of four (on a GPU).
  [[nodiscard]] bool fits() const {
    for (const Operand* each : {&query_, &key_, &value_})
      if (each->tensor.dtype != Dtype::f32 || each->tensor.rank() != rank_) return false;
    for (std::size_t w = 0; w < query_.tensor.shape.size(); ++w) {
      const auto &a = query_.tensor.shape[w], &b = key_.tensor.shape[w], &c = value_.tensor.shape[w];
      if (b != c || a.back() != b.back() || query_.tensor.shape[0].back() % 4 != 0 ||
          !std::equal(a.begin(), a.end() - 2, b.begin()))
        return false;
    }
    return true;
  }

  // Goes back to before the dimensions were swapped, and a number was multiplied with.
  void strip(Factor& factor, Constant* scale) const {
    while (const GeneralNode* node = graph_.node(factor.ref.name)) {
      const TensorRef* before = tensor_at(*node, 0);
      if (!before || node->results.size() != 1) return;
      if (const auto swapped = permutation(*node)) {
        factor.letters = letters_before(factor.letters, *swapped);
      } else if (const auto number = number_behind(*node); scale && number && uses(graph_, node->name) == 1) {
        *scale = times(*scale, number->first, number->second);
      } else {
        return;
      }
      factor.ref = *before;
    }
  }

  struct Operand {
    TensorRef ref;
    GeneralTensor tensor;
  };

  TensorRef make(const std::string& name, const std::string& op, std::vector<GeneralArgument> args,
                 GeneralTensor result) {
    made_.push_back(make_node(name, op, std::move(args), std::move(result)));
    return {name, 0};
  }
  [[nodiscard]] GeneralArgument number(std::int64_t n) const { return constant(graph_, Value{n}); }

  static GeneralTensor permuted(const GeneralTensor& tensor, const std::vector<std::size_t>& dims) {
    GeneralTensor made = tensor;
    for (std::size_t w = 0; w < made.shape.size(); ++w)
      for (std::size_t d = 0; d < dims.size(); ++d) {
        made.shape[w][d] = tensor.shape[w][dims[d]];
        made.stride[w][d] = tensor.stride[w][dims[d]];
      }
    return made;
  }
  static std::vector<std::size_t> order(const std::string& from, const std::string& to) {
    std::vector<std::size_t> dims;
    for (const char c : to) dims.push_back(from.find(c));
    return dims;
  }
  TensorRef permute(const std::string& name, const TensorRef& ref, const std::vector<std::size_t>& dims,
                    const GeneralTensor& tensor) {
    GeneralArgumentList list;
    for (const std::size_t d : dims) list.push_back(number(static_cast<std::int64_t>(d)));
    return make(name, "aten.permute.default", {{ref}, {std::move(list)}}, permuted(tensor, dims));
  }
  TensorRef copy(const std::string& name, const TensorRef& ref, const GeneralTensor& tensor) {
    const TensorRef made = make(name, "aten.clone.default", {{ref}}, contiguous(tensor.shape));
    made_.back().kwargs.emplace_back("memory_format", constant(graph_, Value{std::string("contiguous_format")}));
    return made;
  }

  Operand arranged(const Factor& factor, const std::string& letters, const std::string& suffix) {
    const GeneralTensor* tensor = graph_.tensor(factor.ref);
    if (!tensor) return {};
    Operand made{factor.ref, *tensor};
    if (factor.letters != letters) {
      made.ref = permute(name_ + suffix, made.ref, order(factor.letters, letters), made.tensor);
      made.tensor = made_.back().results[0];
    }
    // The library multiplies matrices one after the other where rows do not lie in memory.
    if (std::ranges::any_of(made.tensor.stride, [](const auto& stride) { return stride.back() != 1; })) {
      made.ref = copy(name_ + suffix + "_rows", made.ref, made.tensor);
      made.tensor = made_.back().results[0];
    }
    return made;
  }

  // Batches and heads in one dimension get a second one.
  TensorRef with_heads(const Operand& operand, const std::string& suffix) {
    if (operand.tensor.rank() == 4 || operand.tensor.rank() == 2) return operand.ref;
    GeneralTensor more = operand.tensor;
    for (std::size_t w = 0; w < more.shape.size(); ++w) {
      more.shape[w].insert(more.shape[w].begin(), 1);
      more.stride[w].insert(more.stride[w].begin(), more.stride[w][0] * operand.tensor.shape[w][0]);
    }
    return make(name_ + suffix, "aten.unsqueeze.default", {{operand.ref}, number(0)}, std::move(more));
  }

  // A causal mask; only where nothing else was added.
  static bool is_causal(const Scores& s) {
    const auto* triangle = s.positions ? std::get_if<Triangle>(&*s.positions) : nullptr;
    return triangle && triangle->within == 0 && triangle->beyond <= out_of_sight && triangle->diagonal == 0;
  }
  // Whether every query meets a key that is not masked out.
  static bool leaves_one(const Scores& s) {
    const auto* triangle = s.positions ? std::get_if<Triangle>(&*s.positions) : nullptr;
    return triangle && std::isfinite(triangle->within) && triangle->diagonal >= 0;
  }
  [[nodiscard]] bool takes(const Scores& s) const {
    const std::size_t rank = s.bias_tensor.rank();
    if (rank < 2 || rank > rank_) return false;
    for (std::size_t w = 0; w < s.shape.size(); ++w)
      if (s.bias_tensor.shape[w].back() != s.shape[w].back()) return false;
    return true;
  }

  void write(Scores& s, const std::string& letters, const std::string& wanted) {
    if (s.factor) {
      GeneralTensor scaled = contiguous(query_.tensor.shape);
      query_.ref = make(name_ + "_query_scaled", s.divides ? "aten.div.Tensor" : "aten.mul.Tensor",
                        {{query_.ref}, {*s.factor}}, scaled);
      query_.tensor = std::move(scaled);
    }
    std::vector<GeneralArgument> args = {
        {with_heads(query_, "_queries")}, {with_heads(key_, "_keys")}, {with_heads(value_, "_values")}};
    const bool causal = s.bias && is_causal(s);
    const bool biased = s.bias && !causal;
    if (biased) {
      for (GeneralNode& node : s.made) made_.push_back(std::move(node));
      args.push_back({with_heads({*s.bias, s.bias_tensor}, "_mask")});
    }
    // Its result has the heads of one place side by side.
    std::vector<std::vector<std::int64_t>> shape = query_.tensor.shape;
    GeneralTensor heads = contiguous(shape), result = heads;
    for (std::size_t w = 0; w < shape.size(); ++w) {
      auto& each = heads.shape[w];
      if (rank_ == 3) each.insert(each.begin(), 1);
      heads.stride[w] = {each[1] * each[2] * each[3], each[3], each[1] * each[3], 1};
      result.stride[w].assign(heads.stride[w].end() - static_cast<std::ptrdiff_t>(rank_), heads.stride[w].end());
    }
    TensorRef made = make(name_ + "_attention", "aten.scaled_dot_product_attention.default", std::move(args), heads);
    if (causal) made_.back().kwargs.emplace_back("is_causal", constant(graph_, Value{true}));
    made_.back().kwargs.emplace_back("scale", GeneralArgument{s.scale});
    if (rank_ == 3) made = make(name_ + "_heads", "aten.squeeze.dim", {{made}, number(0)}, result);
    if (biased && (s.hides || s.fills) && !leaves_one(s)) {
      made = with_lost_rows(s, made);
      result = made_.back().results[0];
    }
    if (letters != wanted) {
      made = permute(name_ + "_turned", made, order(letters, wanted), result);
      result = made_.back().results[0];
    }
    if (!result.contiguous() && !any_layout_will_do(last_)) copy(name_ + "_copy", made, result);
    made_.back().name = name_;
    replace_node(graph_, at_, std::move(made_));
    drop_unused_nodes(graph_);
  }

  // Where all keys are masked out the library gives zeros; a softmax has no value there, or all keys weigh alike.
  TensorRef with_lost_rows(const Scores& s, const TensorRef& attention) {
    const GeneralArgumentList last = {number(-1)};
    const GeneralArgument keep = constant(graph_, Value{true});
    std::vector<std::vector<std::int64_t>> rows = s.bias_tensor.shape, means = value_.tensor.shape;
    for (auto& shape : rows) shape.back() = 1;
    for (auto& shape : means) shape[rank_ - 2] = 1;
    const GeneralTensor row = contiguous(rows), result = contiguous(query_.tensor.shape);
    const TensorRef most = make(name_ + "_most", "aten.amax.default", {{*s.bias}, {last}, keep}, row);
    if (!s.fills) {
      const TensorRef none = make(name_ + "_none", "aten.sub.Tensor", {{most}, {most}}, row);
      return make(name_ + "_rows", "aten.add.Tensor", {{attention}, {none}}, result);
    }
    // 1 where the largest is minus infinity, else 0, without a mask, which no kernel stores.
    const auto on_rows = [&](const char* suffix, const char* op, std::vector<GeneralArgument> args) {
      return make(name_ + suffix, op, std::move(args), row);
    };
    const TensorRef shifted = on_rows("_shifted", "aten.add.Tensor", {{most}, constant(graph_, Value{1e38})});
    const TensorRef sign = on_rows("_sign", "aten.sign.default", {{shifted}});
    const TensorRef negative = on_rows("_negative", "aten.neg.default", {{sign}});
    const TensorRef lost = on_rows("_lost", "aten.relu.default", {{negative}});
    const TensorRef mean = make(name_ + "_mean", "aten.mean.dim",
                                {{value_.ref}, {GeneralArgumentList{number(-2)}}, keep}, contiguous(means));
    return make(name_ + "_rows", "aten.addcmul.default", {{attention}, {lost}, {mean}}, result);
  }

  // Whether all that need the node lay memory out anew, or swap dimensions first and do then.
  [[nodiscard]] bool any_layout_will_do(const GeneralNode& node) const {
    static const std::set<std::string> anew = {"reshape", "flatten", "contiguous", "matmul", "bmm", "mm", "einsum"};
    return std::ranges::all_of(graph_.nodes, [&](const GeneralNode& user) {
      const std::vector<TensorRef> refs = references(user);
      if (std::ranges::none_of(refs, [&](const TensorRef& ref) { return ref.name == node.name; })) return true;
      return anew.contains(user.base()) || (permutation(user) && any_layout_will_do(user));
    });
  }

  GeneralGraph& graph_;
  std::size_t at_;
  const GeneralNode last_;
  const std::string name_;
  std::size_t rank_ = 0;
  Operand query_, key_, value_;
  std::vector<GeneralNode> made_;
};

}  // namespace

bool attention(GeneralGraph& graph, std::size_t at) { return Rewrite(graph, at).run(); }

}  // namespace kerf
