// The schema, one step after another. Steps that were released are never changed; a new one is added at the end.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite.h"

namespace kerf {

// Brings the schema to the newest version. Two processes may do so at once: the second finds it done.
[[nodiscard]] Result<> migrate(Database& database, const Clock& clock);

}  // namespace kerf
