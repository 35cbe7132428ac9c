// kerf's own sections of a prompt, in the order in which they stand. docs/prompts.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "synthesize/prompt/part.h"

namespace kerf {

// The texts that come with kerf: the contract of a language and a worked example of it.
struct PromptTexts {
  std::string language;  // "cpp"
  std::string contract;  // docs/candidates.md without what only tests read
  std::string example_problem, example_candidate;
};

// place kerf
[[nodiscard]] std::unique_ptr<PromptPart> make_rules_part(const PromptTexts& texts);     // the work, and how to reply
[[nodiscard]] std::unique_ptr<PromptPart> make_contract_part(const PromptTexts& texts);  // what a candidate is
[[nodiscard]] std::unique_ptr<PromptPart> make_example_part(const PromptTexts& texts);
// place session
[[nodiscard]] std::unique_ptr<PromptPart> make_target_part();   // the machine: descriptor and calibration
[[nodiscard]] std::unique_ptr<PromptPart> make_problem_part();  // what must be computed, at which sizes
// place call
[[nodiscard]] std::unique_ptr<PromptPart> make_ancestors_part();  // how the parent came about
[[nodiscard]] std::unique_ptr<PromptPart> make_siblings_part();   // what was tried beside (siblings)
[[nodiscard]] std::unique_ptr<PromptPart> make_branch_part();     // another good candidate (combine)
[[nodiscard]] std::unique_ptr<PromptPart> make_parent_part();     // its source
[[nodiscard]] std::unique_ptr<PromptPart> make_note_part();       // its diagnosis, or why it failed
[[nodiscard]] std::unique_ptr<PromptPart> make_ask_part();        // what is wanted now

}  // namespace kerf
