// Several synthesizers in one session, chosen for each expansion by a bandit over gain per dollar. docs/prompts.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "synthesize/synthesizer.h"

namespace kerf {

struct SynthesizerSpec {
  std::string name;   // "anthropic/…", "builtin", …: for whoever makes synthesizers
  double weight = 1;  // how often it is chosen at first, in proportion to the others
};

// "a,b:3,builtin": names with an optional weight behind the last colon. A single name is taken as it stands
// ("openai/llama3:8" has no weight); in a list, `\,` is a comma of a name. `user` error for an empty name, a weight
// that is not positive, a name given twice.
[[nodiscard]] Result<std::vector<SynthesizerSpec>> parse_synthesizers(std::string_view text);

// Of an expansion, calls of the member that was asked nth (from 0) count their attempts from n times this.
inline constexpr int attempts_per_member = 1'000;

struct MixedMember {
  std::unique_ptr<Synthesizer> synthesizer;
  double weight = 1;
};

// Which member writes depends on the request's seed and on what was learned so far, so that a replay chooses the same.
// A repair goes to whom the broken candidate is from. A member with nothing new is followed by the others. The choice
// is in the proposal's recipe: {"member": name, "propensity": probability, "recipe": the member's own}.
// `text` is what parse_synthesizers was given, for name().
[[nodiscard]] std::unique_ptr<Synthesizer> make_mixed_synthesizer(std::vector<MixedMember> members, std::string text);

}  // namespace kerf
