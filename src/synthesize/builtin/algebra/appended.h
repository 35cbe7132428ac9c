// Parts that are put side by side again and again, each time with one more, as the layers of a DenseNet do.
#pragma once

#include "synthesize/general.h"

namespace kerf {

// Where `cat`s follow one another, each with the parts of the one before and more (three of them at least), and kernels
// read what they give: every part is written once into its place of the tensor that the last one makes, and each
// of the others is its beginning, seen through a view. Nothing is moved again that lies there already.
// `by_places`: channels of images lie side by side there.
[[nodiscard]] GeneralGraph with_parts_appended(GeneralGraph graph, bool by_places);

}  // namespace kerf
