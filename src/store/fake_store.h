// A store in memory with no database: the same behaviour, tested by the same conformance suite.
#pragma once

#include <memory>

#include "store/store.h"

namespace kerf {

// `fail_after` operations that write, every further one fails as a full disk would; negative: never.
[[nodiscard]] std::unique_ptr<Store> make_fake_store(const Clock& clock, int fail_after = -1);

}  // namespace kerf
