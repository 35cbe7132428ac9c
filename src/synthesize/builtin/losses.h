// Distances of rows, and losses that take more than a line. For operators.cc.
#pragma once

#include "synthesize/builtin/formulas.h"

namespace kerf {

void cosine_similarity(const Rule& rule);
void distances(const Rule& rule);  // cdist
void pairwise_distance(const Rule& rule);
void hinge_embedding_loss(const Rule& rule);
void margin_ranking_loss(const Rule& rule);
void poisson_loss(const Rule& rule);             // poisson_nll_loss
void cross_entropy(const Rule& rule);            // binary_cross_entropy
void cross_entropy_of_logits(const Rule& rule);  // binary_cross_entropy_with_logits

// Losses of rows: each row's own, without a sum or a mean over them, which is another reduction
// (algebra/row_losses.h takes them apart).
void class_loss(const Rule& rule, bool of_logits);  // cross_entropy_loss, nll_loss
void triplet_loss(const Rule& rule);                // triplet_margin_loss
void cosine_embedding_loss(const Rule& rule);
void margin_loss(const Rule& rule);  // multi_margin_loss

}  // namespace kerf
