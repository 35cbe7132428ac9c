// command:PROGRAM: any program as a model. The conversation goes to its standard input as text, its standard output is
// the reply.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "synthesize/model/make_model.h"

namespace kerf {

// "command:PROGRAM ARGUMENTS…". `user` if no program is named, `unavailable` if it is not there.
[[nodiscard]] Result<std::unique_ptr<Model>> make_command_model(std::string_view spec, ModelParts parts,
                                                                const ModelOptions& options);

// A request as a person would read it: the system's text, then the message; of a conversation each message under a line
// that says who spoke.
[[nodiscard]] std::string as_text(const ModelRequest& request);

// Words at blanks; quotes and backslashes as a shell has them, nothing else of a shell. `user` error for an open quote.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace kerf
