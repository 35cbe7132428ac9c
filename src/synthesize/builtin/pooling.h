// What poolings mean as instructions of a region. For operators.cc.
#pragma once

#include <cstddef>

#include "synthesize/builtin/formulas.h"

namespace kerf {

// Of `rank` dimensions, the last ones of the first argument; arguments as ATen's operators have them. Windows of a few
// elements are written out; larger ones are axes that are reduced; those that hold all there is reduce the dimension.
void max_pool(const Rule& rule, std::size_t rank);
void average_pool(const Rule& rule, std::size_t rank);
// To a number of elements that divides what is there.
void adaptive_pool(const Rule& rule, std::size_t rank, bool max);

}  // namespace kerf
