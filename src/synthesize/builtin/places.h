// Operators that give elements other places, repeat them, or make them of their positions. For operators.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "synthesize/builtin/formulas.h"

namespace kerf {

inline constexpr std::int64_t most_exact = 1 << 20;  // integers that stay exact as floats, after sums, too

// What lies before (or none), a part, a dimension, where the part begins there -> the tensor in whose memory both lie,
// of which nothing behind the part has a meaning yet. Of rewrites (algebra/appended.h): there is no such operator to
// call.
inline constexpr const char* appended_operator = "kerf.appended";
// The tensor whose memory a result is in: of what is appended that of the first part, else itself.
[[nodiscard]] TensorRef storage_of(const GeneralGraph& graph, TensorRef ref);
void append(const Rule& rule);  // kerf.appended

void slice(const Rule& rule);              // slice, narrow
void select_one(const Rule& rule);         // select
void part_replaced(const Rule& rule);      // slice_scatter, select_scatter
void split(const Rule& rule);              // split, split_with_sizes, chunk
void unbind(const Rule& rule);             // unbind
void concatenate(const Rule& rule);        // cat: a choice by position
void stack(const Rule& rule);              // stack
void roll(const Rule& rule);               // roll, along given dimensions
void pad(const Rule& rule);                // constant_pad_nd, pad in every mode
void expand(const Rule& rule);             // expand, broadcast_to, expand_as
void repeat(const Rule& rule);             // repeat, whole numbers of times along dimensions of one element
void repeat_elements(const Rule& rule);    // repeat_interleave, each element as often
void gated(const Rule& rule);              // glu
void sequence(const Rule& rule);           // arange
void filled(const Rule& rule);             // full, zeros, ones, those that are like another tensor, fill
void rows_by_index(const Rule& rule);      // embedding, index_select
void elements_by_index(const Rule& rule);  // index, by integers
void put_by_mask(const Rule& rule);        // index_put of a number, by a mask
void gathered(const Rule& rule);           // gather, take_along_dim
void scattered(const Rule& rule);          // scatter, scatter_add, scatter_reduce, index_add
void top_elements(const Rule& rule);       // topk of a few
void position_of_all(const Rule& rule);    // argmax, argmin among all elements
void extreme_so_far(const Rule& rule);     // cummax, cummin, and where these are
void sorted_rows(const Rule& rule);        // sort, msort, argsort of few elements
void one_of_sorted(const Rule& rule);      // median, kthvalue of few elements
void diagonal(const Rule& rule);           // diagonal
void diagonal_matrix(const Rule& rule);    // diag_embed
void diag(const Rule& rule);               // diag
void trace(const Rule& rule);              // trace
void among_boundaries(const Rule& rule);   // bucketize, searchsorted among few
// Elements of dimension `dim` from `begin` on; a dimension of one element where `count` is one.
[[nodiscard]] Lowered part(const Rule& rule, const Lowered& value, std::size_t dim, const Extent& begin,
                           const Extent& step, const Extent& count);
// Images that grow by whole numbers, or whose channels become places and the other way round (resampled.cc).
void upsample_nearest(const Rule& rule);
void upsample_linear(const Rule& rule);  // between the middles of elements, or with corners on corners
void pixel_shuffle(const Rule& rule);
void pixel_unshuffle(const Rule& rule);
void channel_shuffle(const Rule& rule);
// The elements of which the position along `dim` is the class, as a mask: one more dimension there than `classes` has.
[[nodiscard]] Lowered is_class(const Rule& rule, const Lowered& classes, std::size_t dim, int axis);
void one_hot(const Rule& rule);

}  // namespace kerf
