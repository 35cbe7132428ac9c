// Shell completion, generated from the tree of commands: what help knows, completion knows.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace kerf {

// For "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace kerf
