// A plan as Python that runs it.
#pragma once

#include <string>

#include "candidate/export.h"

namespace kerf {

[[nodiscard]] Result<std::string> export_python(const ExportRequest& request);

}  // namespace kerf
