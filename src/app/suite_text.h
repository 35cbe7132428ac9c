// Suite reports and comparisons of two, for people.
#pragma once

#include "app/document.h"
#include "session/suite.h"

namespace kerf {

[[nodiscard]] Document suite_document(const SuiteRun& run);
[[nodiscard]] Document difference_document(const SuiteDifference& difference);

}  // namespace kerf
