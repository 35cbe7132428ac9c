// Norms in steps, as a rewrite has them (algebra/statistics.h): moments of pieces, of whole rows, what scales and
// shifts, and the result. There are no such operators to call.
#pragma once

#include "synthesize/builtin/formulas.h"

namespace kerf {

// x, how many of its last dimensions are averaged over -> mean, variance; channels are the last dimension.
inline constexpr const char* moments_operator = "kerf.moments";
// mean, variance of equally many elements each, number of groups (none: all that is not the last dimension is joined),
// eps -> mean, 1 / sqrt(variance + eps) by group, or by channel.
inline constexpr const char* joined_moments_operator = "kerf.joined_moments";
// mean and reciprocal deviation by group, weight, bias -> scale, shift by channel.
inline constexpr const char* scale_and_shift_operator = "kerf.scale_and_shift";
// x, scale, shift -> x * scale + shift, by image and channel.
inline constexpr const char* scaled_operator = "kerf.scaled";
// x, mean, reciprocal deviation, weight, bias, each but x by channel -> (x - mean) * deviation * weight + bias.
inline constexpr const char* standardised_operator = "kerf.standardised";

void moments(const Rule& r);
void joined_moments(const Rule& r);
void scale_and_shift(const Rule& r);
void scaled(const Rule& r);
void standardised(const Rule& r);

}  // namespace kerf
