// Exclusive scans, however a model writes them.
#pragma once

#include <cstddef>

#include "synthesize/general.h"

namespace kerf {

// Whether node `at` was a part of a scan that nothing else needs, or such a scan with what changes nothing (zeros
// before a sum, ones before a product) in front, and is a scan of a part, or of what is in front and the rest, now.
bool shifted_scan(GeneralGraph& graph, std::size_t at);

}  // namespace kerf
