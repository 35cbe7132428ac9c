#include "synthesize/builtin/operators.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/formulas.h"
#include "synthesize/builtin/functions.h"
#include "synthesize/builtin/losses.h"
#include "synthesize/builtin/norms.h"
#include "synthesize/builtin/places.h"
#include "synthesize/builtin/pooling.h"
#include "synthesize/builtin/products.h"

namespace kerf {
namespace {

using Apply = std::function<void(const Rule&)>;

const std::map<std::string, Apply>& rules() {
  static const std::map<std::string, Apply> table = [] {
    std::map<std::string, Apply> t;
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, Op>>{{"neg", Op::neg},
                                                                                    {"abs", Op::abs},
                                                                                    {"exp", Op::exp},
                                                                                    {"log", Op::log},
                                                                                    {"log1p", Op::log1p},
                                                                                    {"expm1", Op::expm1},
                                                                                    {"sqrt", Op::sqrt},
                                                                                    {"rsqrt", Op::rsqrt},
                                                                                    {"reciprocal", Op::reciprocal},
                                                                                    {"sin", Op::sin},
                                                                                    {"cos", Op::cos},
                                                                                    {"tanh", Op::tanh},
                                                                                    {"sigmoid", Op::sigmoid},
                                                                                    {"erf", Op::erf},
                                                                                    {"floor", Op::floor},
                                                                                    {"ceil", Op::ceil},
                                                                                    {"sign", Op::sign},
                                                                                    {"sgn", Op::sign},
                                                                                    {"square", Op::square},
                                                                                    {"relu", Op::relu},
                                                                                    {to_tf32_operator, Op::to_tf32},
                                                                                    {"logical_not", Op::logical_not}})
      t[name] = [op = op](const Rule& r) { r.give(r.f(op, r.x())); };
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, Op>>{{"mul", Op::mul},
                                                                                    {"multiply", Op::mul},
                                                                                    {"maximum", Op::maximum},
                                                                                    {"minimum", Op::minimum},
                                                                                    {"eq", Op::eq},
                                                                                    {"ne", Op::ne},
                                                                                    {"lt", Op::lt},
                                                                                    {"le", Op::le},
                                                                                    {"gt", Op::gt},
                                                                                    {"ge", Op::ge},
                                                                                    {"logical_and", Op::logical_and},
                                                                                    {"logical_or", Op::logical_or}})
      t[name] = [op = op](const Rule& r) { r.give(r.f(op, r.args.operand(0), r.args.operand(1))); };
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, Op>>{{"bitwise_and", Op::logical_and},
                                                                                    {"bitwise_or", Op::logical_or},
                                                                                    {"__and__", Op::logical_and},
                                                                                    {"__or__", Op::logical_or}})
      t[name] = [op = op](const Rule& r) { r.give(r.f(op, r.args.tensor(0), r.args.tensor(1))); };
    add_functions(t);
    add_special_functions(t);
    t["bitwise_not"] = [](const Rule& r) { r.give(r.f(Op::logical_not, r.x())); };
    t["outer"] = [](const Rule& r) {
      Lowered a = r.x(), b = r.args.tensor(1, "vec2");
      a.dims.emplace_back();
      b.dims.insert(b.dims.begin(), std::vector<int>());
      r.give(r.f(Op::mul, a, b));
    };
    t["div"] = t["divide"] = t["true_divide"] = [](const Rule& r) {
      if (!r.args.none(99, "rounding_mode")) return divide_rounded(r);
      r.give(r.f(Op::div, r.args.operand(0), r.args.operand(1)));
    };
    t["add"] = [](const Rule& r) { r.add_scaled(Op::add, r.args.operand(0), r.args.operand(1)); };
    t["sub"] = [](const Rule& r) { r.add_scaled(Op::sub, r.args.operand(0), r.args.operand(1)); };
    t["rsub"] = [](const Rule& r) { r.add_scaled(Op::sub, r.args.operand(1), r.args.operand(0)); };
    t["pow"] = [](const Rule& r) {
      if (r.node.overload() == "Scalar") return r.give(r.f(Op::pow, r.args.operand(0), r.args.operand(1)));
      r.power(r.x(), 1);
    };
    t["clamp"] = [](const Rule& r) {
      Lowered low, high;
      const bool has_low = !r.args.none(1, "min"), has_high = !r.args.none(2, "max");
      if (has_low) low = r.args.operand(1, "min");
      if (has_high) high = r.args.operand(2, "max");
      r.give(r.clamp(r.x(), has_low ? &low : nullptr, has_high ? &high : nullptr));
    };
    t["clamp_min"] = [](const Rule& r) { r.give(r.f(Op::maximum, r.x(), r.args.operand(1, "min"))); };
    t["clamp_max"] = [](const Rule& r) { r.give(r.f(Op::minimum, r.x(), r.args.operand(1, "max"))); };
    t["hardtanh"] = [](const Rule& r) {
      const Lowered low = r.args.number(1, "min_val", -1), high = r.args.number(2, "max_val", 1);
      r.give(r.clamp(r.x(), &low, &high));
    };
    t["relu6"] = [](const Rule& r) {
      const Lowered low = r.l.constant(0), high = r.l.constant(6);
      r.give(r.clamp(r.x(), &low, &high));
    };
    t["leaky_relu"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, v, r.args.number(1, "negative_slope", 0.01))));
    };
    t["rrelu"] = [](const Rule& r) {  // in evaluation a slope in the middle
      const Lowered v = r.x(), low = r.args.number(1, "lower", 1.0 / 8), high = r.args.number(2, "upper", 1.0 / 3);
      if (r.args.flag(3, "training", false)) throw CannotLower{"random slopes"};
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, v, r.f(Op::mul, r.f(Op::add, low, high), 0.5))));
    };
    t["elu"] = [](const Rule& r) {
      const Lowered v = r.x(), scale = r.args.number(2, "scale", 1);
      const Lowered negative = r.f(Op::mul, r.f(Op::expm1, r.f(Op::mul, v, r.args.number(3, "input_scale", 1))),
                                   r.args.number(1, "alpha", 1));
      r.give(r.f(Op::mul, r.where(r.f(Op::gt, v, 0), v, negative), scale));
    };
    t["celu"] = [](const Rule& r) {
      const Lowered v = r.x(), alpha = r.args.number(1, "alpha", 1);
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, r.f(Op::expm1, r.f(Op::div, v, alpha)), alpha)));
    };
    t["selu"] = [](const Rule& r) {
      const Lowered v = r.x();
      constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
      r.give(r.f(Op::mul, r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, r.f(Op::expm1, v), alpha)), scale));
    };
    t["gelu"] = [](const Rule& r) { r.gelu(); };
    t["silu"] = [](const Rule& r) { r.give(r.f(Op::mul, r.x(), r.f(Op::sigmoid, r.x()))); };
    t["mish"] = [](const Rule& r) {
      // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2), e = exp(x); it is 1 from 20 on.
      const Lowered v = r.x(), e = r.f(Op::exp, r.f(Op::minimum, v, 20)), n = r.f(Op::mul, e, r.f(Op::add, e, 2));
      r.give(r.f(Op::mul, v, r.f(Op::div, n, r.f(Op::add, n, 2))));
    };
    t["softplus"] = [](const Rule& r) {
      const Lowered v = r.x(), beta = r.args.number(1, "beta", 1), threshold = r.args.number(2, "threshold", 20);
      const Lowered scaled = r.f(Op::mul, v, beta);
      r.give(r.where(r.f(Op::gt, scaled, threshold), v, r.f(Op::div, r.f(Op::softplus, scaled), beta)));
    };
    t["log_sigmoid"] = [](const Rule& r) { r.give(r.f(Op::neg, r.f(Op::softplus, r.f(Op::neg, r.x())))); };
    t["hardsigmoid"] = t["hardswish"] = [](const Rule& r) {
      const Lowered low = r.l.constant(0), high = r.l.constant(6), v = r.x();
      const Lowered gate = r.f(Op::div, r.clamp(r.f(Op::add, v, 3), &low, &high), 6);
      r.give(r.node.base() == "hardswish" ? r.f(Op::mul, v, gate) : gate);
    };
    t["threshold"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.give(r.where(r.f(Op::le, v, r.args.operand(1, "threshold")), r.args.operand(2, "value"), v));
    };
    t["hardshrink"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.give(r.where(r.f(Op::le, r.f(Op::abs, v), r.args.number(1, "lambd", 0.5)), r.l.constant(0), v));
    };
    t["softshrink"] = [](const Rule& r) {
      // Between the bounds v * 0, not 0: NaN stays.
      const Lowered v = r.x(), bound = r.args.number(1, "lambd", 0.5);
      const Lowered below = r.where(r.f(Op::lt, v, r.f(Op::neg, bound)), r.f(Op::add, v, bound), r.f(Op::mul, v, 0));
      r.give(r.where(r.f(Op::gt, v, bound), r.f(Op::sub, v, bound), below));
    };
    t["prelu"] = [](const Rule& r) {
      const Lowered v = r.x(), weight = r.args.tensor(1, "weight");
      const std::size_t rank = v.dims.size();
      if (rank == 0 || weight.dims.size() != 1) throw CannotLower{"this prelu"};
      const Lowered slope = Rule::along(weight, rank > 1 ? 1 : 0, rank);
      r.give(r.where(r.f(Op::gt, v, 0), v, r.f(Op::mul, v, slope)));
    };
    t["addcmul"] = t["addcdiv"] = [](const Rule& r) {
      const Op op = r.node.base() == "addcmul" ? Op::mul : Op::div;
      Lowered term = r.f(op, r.args.tensor(1, "tensor1"), r.args.tensor(2, "tensor2"));
      if (!r.args.none(99, "value")) term = r.f(Op::mul, term, r.args.operand(99, "value"));
      r.give(r.f(Op::add, r.x(), term));
    };
    t["masked_fill"] = [](const Rule& r) {
      const Lowered v = r.x();
      if (r.l.type(v) != Type::f32) throw CannotLower{"a masked fill of anything but f32"};
      r.give(r.where(r.args.tensor(1, "mask"), r.args.operand(2, "value"), v));
    };
    t["where"] = [](const Rule& r) { r.give(r.where(r.args.tensor(0), r.args.operand(1), r.args.operand(2))); };
    t["tril"] = t["triu"] = triangle;
    // Reductions
    t["sum"] = [](const Rule& r) { r.reduce_with(ReduceOp::sum, 1, 2); };
    t["nansum"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.reduce_with(ReduceOp::sum, r.where(r.f(Op::ne, v, v), r.l.constant(0), v), 1, 2);
    };
    t["count_nonzero"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.reduce_with(ReduceOp::sum, r.l.type(v) == Type::mask ? v : r.f(Op::ne, v, 0), 1, 99);
    };
    t["mean"] = [](const Rule& r) { r.mean_with(1, 2); };
    t["amax"] = [](const Rule& r) { r.reduce_with(ReduceOp::max, 1, 2); };
    t["amin"] = [](const Rule& r) { r.reduce_with(ReduceOp::min, 1, 2); };
    t["argmax"] = t["argmin"] = [](const Rule& r) {
      if (r.args.none(1, "dim")) return position_of_all(r);
      r.reduce_with(r.node.base() == "argmax" ? ReduceOp::argmax : ReduceOp::argmin, 1, 2);
    };
    t["prod"] = [](const Rule& r) { r.reduce_with(ReduceOp::prod, 1, 2); };
    t["all"] = t["any"] = [](const Rule& r) {
      const Lowered v = r.x();
      const std::vector<int> dims = r.args.dims(1, "dim", v);
      const Lowered yes = r.l.type(v) == Type::mask ? v : r.f(Op::ne, v, 0);
      const Lowered found =
          r.l.reduce(r.node.base() == "all" ? ReduceOp::min : ReduceOp::max, yes, r.l.axes_of(v, dims));
      r.give(r.f(Op::ne, r.l.remove_dims(found, dims, r.args.flag(2, "keepdim", false)), 0));
    };
    t["aminmax"] = [](const Rule& r) {
      const Lowered v = r.x();
      const std::vector<int> dims = r.args.dims(98, "dim", v), axes = r.l.axes_of(v, dims);
      const bool keep = r.args.flag(99, "keepdim", false);
      r.give(r.l.remove_dims(r.l.reduce(ReduceOp::min, v, axes), dims, keep), 0);
      r.give(r.l.remove_dims(r.l.reduce(ReduceOp::max, v, axes), dims, keep), 1);
    };
    t["max"] = t["min"] = [](const Rule& r) {
      const bool max = r.node.base() == "max";
      if (r.node.overload() == "other")
        return r.give(r.f(max ? Op::maximum : Op::minimum, r.args.operand(0), r.args.operand(1)));
      r.reduce_with(max ? ReduceOp::max : ReduceOp::min, 1, 2);
      if (r.node.overload() == "dim") r.reduce_with(max ? ReduceOp::argmax : ReduceOp::argmin, 1, 2, 1);
    };
    // Scans
    for (const auto& [name, op] : std::initializer_list<std::pair<const char*, ReduceOp>>{{"cumsum", ReduceOp::sum},
                                                                                          {"cumprod", ReduceOp::prod}})
      t[name] = [op = op](const Rule& r) {
        if (r.node.results.at(0).dtype != Dtype::f32) throw CannotLower{"a scan in anything but f32"};
        r.give(r.l.scan(op, r.x(), r.args.dim(1, "dim")));
      };
    t["cummax"] = t["cummin"] = extreme_so_far;
    t["flip"] = [](const Rule& r) {
      const Lowered v = r.x();
      r.give(r.l.flip(v, r.args.dims(1, "dims", v)));
    };
    t["logsumexp"] = [](const Rule& r) { r.logsumexp(); };
    t["linalg_vector_norm"] = [](const Rule& r) { r.vector_norm(1, "ord", 2, 3); };
    t["linalg_norm"] = [](const Rule& r) {  // without an order: of all elements as of one vector
      if (!r.args.none(1, "ord")) throw CannotLower{"this norm"};
      r.vector_norm(1, "ord", 2, 3);
    };
    t["norm"] = [](const Rule& r) {
      r.node.overload() == "Scalar" ? r.vector_norm(1, "p", 98, 99) : r.vector_norm(1, "p", 2, 3);
    };
    t["var"] = [](const Rule& r) { r.variance(false, false); };
    t["std"] = [](const Rule& r) { r.variance(true, false); };
    t["var_mean"] = [](const Rule& r) { r.variance(false, true); };
    t["std_mean"] = [](const Rule& r) { r.variance(true, true); };
    t["softmax"] = t["_softmax"] = [](const Rule& r) { r.softmax(false); };
    t["log_softmax"] = t["_log_softmax"] = [](const Rule& r) { r.softmax(true); };
    t["rms_norm"] = [](const Rule& r) { r.rms_norm(); };
    t["layer_norm"] = t["native_layer_norm"] = [](const Rule& r) { r.layer_norm(); };
    t["group_norm"] = [](const Rule& r) { r.group_norm(1, 2, 4); };
    t["native_group_norm"] = [](const Rule& r) {  // input, weight, bias, N, C, HxW, group, eps
      r.group_norm(6, 1, 7);
    };
    t["batch_norm"] = t["_native_batch_norm_legit_functional"] = [](const Rule& r) {
      r.batch_norm(r.args.flag(5, "training", false), 7);
    };
    t["_native_batch_norm_legit"] = [](const Rule& r) {
      if (r.node.overload() != "no_stats") return r.batch_norm(r.args.flag(5, "training", false), 7);
      r.batch_norm(r.args.flag(3, "training", false), 5);
    };
    t["_native_batch_norm_legit_no_training"] = [](const Rule& r) { r.batch_norm(false, 6); };
    t["instance_norm"] = [](const Rule& r) {
      if (!r.args.flag(5, "use_input_stats", true)) throw CannotLower{"running statistics"};
      const Lowered v = r.x();
      r.give(r.affine(r.standardise(v, r.l.axes_of(v, r.dims_from(v, 2)), r.args.number(7, "eps", 1e-5)), 1, 2, 1));
    };
    t[moments_operator] = moments;
    t[joined_moments_operator] = joined_moments;
    t[scale_and_shift_operator] = scale_and_shift;
    t[scaled_operator] = scaled;
    t[standardised_operator] = standardised;
    t[appended_operator] = append;
    t["mse_loss"] = [](const Rule& r) { r.loss(r.f(Op::square, r.f(Op::sub, r.x(), r.args.tensor(1))), 2); };
    t["l1_loss"] = [](const Rule& r) { r.loss(r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), 2); };
    t["smooth_l1_loss"] = [](const Rule& r) {
      const Lowered d = r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), beta = r.args.number(3, "beta", 1);
      r.loss(r.where(r.f(Op::lt, d, beta), r.f(Op::div, r.f(Op::mul, r.f(Op::square, d), 0.5), beta),
                     r.f(Op::sub, d, r.f(Op::mul, beta, 0.5))),
             2);
    };
    t["huber_loss"] = [](const Rule& r) {
      const Lowered d = r.f(Op::abs, r.f(Op::sub, r.x(), r.args.tensor(1))), delta = r.args.number(3, "delta", 1);
      r.loss(r.where(r.f(Op::le, d, delta), r.f(Op::mul, r.f(Op::square, d), 0.5),
                     r.f(Op::mul, delta, r.f(Op::sub, d, r.f(Op::mul, delta, 0.5)))),
             2);
    };
    t["soft_margin_loss"] = [](const Rule& r) {
      r.loss(r.f(Op::softplus, r.f(Op::neg, r.f(Op::mul, r.x(), r.args.tensor(1)))), 2);
    };
    t["kl_div"] = [](const Rule& r) {
      const Lowered v = r.x(), target = r.args.tensor(1);
      if (r.args.flag(99, "log_target", false))
        return r.loss(r.f(Op::mul, r.f(Op::exp, target), r.f(Op::sub, target, v)), 2);
      const Lowered entropy =
          r.where(r.f(Op::eq, target, 0), r.l.constant(0), r.f(Op::mul, target, r.f(Op::log, target)));
      r.loss(r.f(Op::sub, entropy, r.f(Op::mul, target, v)), 2);
    };
    t["binary_cross_entropy"] = cross_entropy;
    t["binary_cross_entropy_with_logits"] = cross_entropy_of_logits;
    t["multi_margin_loss"] = margin_loss;
    t["gather"] = t["take_along_dim"] = gathered;
    t["topk"] = top_elements;
    t["sort"] = t["msort"] = t["argsort"] = sorted_rows;
    t["median"] = t["kthvalue"] = one_of_sorted;
    t["bucketize"] = t["searchsorted"] = among_boundaries;
    t["scatter"] = t["scatter_add"] = t["scatter_reduce"] = t["index_add"] = scattered;
    // Poolings
    for (const std::size_t rank : {1, 2, 3}) {
      const std::string of = std::to_string(rank) + "d";
      t["max_pool" + of] = t["max_pool" + of + "_with_indices"] = [rank](const Rule& r) { max_pool(r, rank); };
      t["avg_pool" + of] = [rank](const Rule& r) { average_pool(r, rank); };
      t["adaptive_avg_pool" + of] =
          t["_adaptive_avg_pool" + of] = [rank](const Rule& r) { adaptive_pool(r, rank, false); };
      t["adaptive_max_pool" + of] = [rank](const Rule& r) { adaptive_pool(r, rank, true); };
    }
    // Products
    for (const char* name : {"mm", "bmm", "matmul", "mv"}) t[name] = matrix_product;
    t["linear"] = linear;
    t["addmm"] = t["baddbmm"] = product_and_sum;
    t["einsum"] = einsum;
    t["scaled_dot_product_attention"] = attention;
    for (const std::size_t rank : {1, 2, 3}) {
      const std::string of = std::to_string(rank) + "d";
      t["conv" + of] = [rank](const Rule& r) { convolution(r, rank, ConvolutionForm::plain); };
      t["conv_transpose" + of] = [rank](const Rule& r) { convolution(r, rank, ConvolutionForm::transposed); };
    }
    t["convolution"] = [](const Rule& r) { convolution(r, 0, ConvolutionForm::general); };
    // Shapes
    for (const char* name : {"view", "reshape", "_unsafe_view", "flatten", "unflatten", "unsqueeze", "squeeze"})
      t[name] = [](const Rule& r) { r.view_to(); };
    for (const char* name : {"alias", "detach", "clone", "contiguous", "lift_fresh_copy", "lift_fresh"})
      t[name] = [](const Rule& r) { r.give(r.x()); };
    t["view_as"] = [](const Rule& r) { r.view_to(); };
    t["expand"] = t["expand_as"] = t["broadcast_to"] = expand;
    t["repeat"] = repeat;
    t["repeat_interleave"] = repeat_elements;
    t["slice"] = t["narrow"] = slice;
    t["select"] = select_one;
    t["slice_scatter"] = t["select_scatter"] = part_replaced;
    t["diagonal"] = diagonal;
    t["diag_embed"] = diagonal_matrix;
    t["diag"] = diag;
    t["trace"] = trace;
    t["split"] = t["split_with_sizes"] = t["chunk"] = split;
    t["unbind"] = unbind;
    t["cat"] = concatenate;
    t["stack"] = stack;
    t["roll"] = roll;
    t["pad"] = t["constant_pad_nd"] = pad;
    t["glu"] = gated;
    for (const char* rank : {"1d", "2d", "3d"})
      t[std::string("upsample_nearest") + rank] = t[std::string("_upsample_nearest_exact") + rank] = upsample_nearest;
    t["upsample_linear1d"] = t["upsample_bilinear2d"] = t["upsample_trilinear3d"] = upsample_linear;
    t["pixel_shuffle"] = pixel_shuffle;
    t["pixel_unshuffle"] = pixel_unshuffle;
    t["channel_shuffle"] = channel_shuffle;
    t["arange"] = sequence;
    for (const char* name :
         {"full", "zeros", "ones", "full_like", "zeros_like", "ones_like", "new_full", "new_zeros", "new_ones", "fill"})
      t[name] = filled;
    t["index"] = elements_by_index;
    t["index_put"] = put_by_mask;
    t["embedding"] = t["index_select"] = rows_by_index;
    t["one_hot"] = one_hot;
    t["cross_entropy_loss"] = [](const Rule& r) { class_loss(r, true); };
    t["cosine_similarity"] = cosine_similarity;
    t["cdist"] = t["_cdist_forward"] = distances;
    t["pairwise_distance"] = pairwise_distance;
    t["hinge_embedding_loss"] = hinge_embedding_loss;
    t["margin_ranking_loss"] = margin_ranking_loss;
    t["poisson_nll_loss"] = poisson_loss;
    t["triplet_margin_loss"] = triplet_loss;
    t["cosine_embedding_loss"] = cosine_embedding_loss;
    t["nll_loss_nd"] = t["nll_loss"] = t["nll_loss2d"] = [](const Rule& r) { class_loss(r, false); };
    t["permute"] = t["permute_copy"] = [](const Rule& r) {
      const Lowered v = r.x();
      Lowered made{.value = v.value, .dims = {}};
      for (int d : r.args.dims(1, "dims", v))
        made.dims.push_back(v.dims.at(static_cast<std::size_t>(d < 0 ? d + static_cast<int>(v.dims.size()) : d)));
      r.give(made);
    };
    t["t"] = t["numpy_T"] = [](const Rule& r) {
      Lowered v = r.x();
      std::reverse(v.dims.begin(), v.dims.end());
      r.give(v);
    };
    t["transpose"] = [](const Rule& r) {
      Lowered v = r.x();
      const int n = static_cast<int>(v.dims.size()), a = r.args.dim(1, "dim0"), b = r.args.dim(2, "dim1");
      std::swap(v.dims.at(static_cast<std::size_t>(a < 0 ? a + n : a)),
                v.dims.at(static_cast<std::size_t>(b < 0 ? b + n : b)));
      r.give(v);
    };
    t["dropout"] = [](const Rule& r) {
      if (r.args.flag(2, "train", true) && r.args.fixed(1, "p") != 0) throw CannotLower{"dropout"};
      r.give(r.x());
    };
    t["broadcast_tensors"] = [](const Rule& r) {
      const auto* list = r.node.args.empty() ? nullptr : std::get_if<GeneralArgumentList>(&r.node.args[0].is);
      if (!list) throw CannotLower{"broadcast_tensors"};
      for (std::size_t i = 0; i < list->size(); ++i) {
        const auto* ref = std::get_if<TensorRef>(&(*list)[i].is);
        const GeneralTensor& to = r.node.results.at(i);
        const Lowered v = ref ? r.l.value(*ref) : Lowered{};
        if (!ref || v.dims.size() != to.rank()) throw CannotLower{"broadcast_tensors"};
        for (std::size_t d = 0; d < to.rank(); ++d)
          for (std::size_t w = 0; w < to.shape.size(); ++w)
            if (v.dims[d].empty() && to.shape[w][d] != 1) throw CannotLower{"a broadcast that is materialised"};
        r.give(v, static_cast<int>(i));
      }
    };
    t["_to_copy"] = t["to"] = [](const Rule& r) {
      const GeneralTensor& to = r.node.results.at(0);
      const Lowered v = r.x();
      if (to.dtype != Dtype::f32) throw CannotLower{"a cast to anything but f32"};
      r.give(r.l.type(v) == Type::f32 ? v : r.f(Op::to_float, v));
    };
    t["scalar_tensor"] = [](const Rule& r) {
      const Lowered v = r.args.operand(0);
      r.give(v);
    };
    return t;
  }();
  return table;
}

}  // namespace

bool is_callable(const GeneralNode& node) { return node.op.starts_with("aten."); }

bool has_lowering(const GeneralNode& node) {
  return (node.op.starts_with("aten.") || !is_callable(node)) && rules().contains(node.base());
}

void lower_node(Lowering& lowering, const GeneralNode& node) {
  const auto it = rules().find(node.base());
  if (it == rules().end() || !has_lowering(node)) throw CannotLower{node.op + " is left to the library"};
  lowering.name_node(node.name);
  it->second(Rule{lowering, node, Arguments(lowering, node)});
  // Integers that are computed are floats here: exact only where they stay small, as positions do.
  static const std::set<std::string> grows = {"mul", "pow", "square", "prod", "exp2"};
  const TensorRef result{node.name, 0};
  if (node.results.at(0).dtype != Dtype::i64 || !lowering.has(result)) return;
  if (grows.contains(node.base())) throw CannotLower{"integers that may grow beyond what floats tell apart"};
  const bool is_new = node.base() == "one_hot" || node.base().ends_with("_like") || node.base().starts_with("new_");
  if (is_new || lowering.type(lowering.value(result)) != Type::f32) return;
  for (const TensorRef& ref : references(node))
    if (lowering.type(lowering.value(ref)) == Type::i64) throw CannotLower{"arithmetic of integers of any size"};
}

}  // namespace kerf
