// Products of matrices and convolutions: what operators mean as sums of products, and which regions are such.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/formulas.h"
#include "synthesize/builtin/ir.h"

namespace kerf {

// A region whose only reduction sums products of two factors, each of which varies along axes that the other does not
// have: a product of matrices, and what is done with its results. Masks of axes.
struct ProductShape {
  int sum = -1;               // the reduction
  int left = -1, right = -1;  // factors: of rows and inner, of inner and columns
  std::uint64_t batch = 0;    // both factors vary along them
  std::uint64_t rows = 0;     // of the left factor alone
  std::uint64_t columns = 0;  // of the right one; the innermost axis of the region is among them if it is in one
  std::uint64_t inner = 0;    // summed over
};
[[nodiscard]] std::optional<ProductShape> product_shape(const Region& region);
// Whether windows move over what has many channels side by side: tiles of what is summed are lines of memory.
[[nodiscard]] bool windows_over_channels(const Region& region, const ProductShape& shape);
// The mask without which a result does not depend on its sum, where every store is a choice by one that is known
// before: the instruction, and what it is where the sum counts. Tiles in which it never is need no sum.
struct ResultMask {
  int mask = -1;
  bool wanted = true;
};
[[nodiscard]] std::vector<ResultMask> result_masks(const Region& region, const ProductShape& shape);
// Why a region with a product in it is none that a kernel should do; empty if there is nothing to say.
[[nodiscard]] std::string ill_shaped_product(const Region& region);
// The region with the axes that a product sums over in the memory order of its left factor.
[[nodiscard]] Region in_order_of_left(Region region);

// As matmul has it: the last two dimensions are those of matrices, any before are broadcast.
[[nodiscard]] Lowered product_of(const Rule& rule, const Lowered& left, const Lowered& right);

// Rules, for operators.cc.
void matrix_product(const Rule& rule);  // mm, bmm, matmul, mv
void linear(const Rule& rule);
// beta * self + alpha * (a b)
void product_and_sum(const Rule& rule);  // addmm, baddbmm
void einsum(const Rule& rule);           // of two tensors
void triangle(const Rule& rule);         // tril, triu
// Of `rank` dimensions, which `convolution` leaves to the input.
enum class ConvolutionForm : std::uint8_t { plain, transposed, general };  // convNd, conv_transposeNd, convolution
void convolution(const Rule& rule, std::size_t rank, ConvolutionForm form);

}  // namespace kerf
