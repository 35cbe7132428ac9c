// One section of a prompt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "synthesize/synthesizer.h"

namespace kerf {

// How many tokens a text is for any of today's tokenizers, rather too many than too few: a token is taken to be three
// bytes (source code comes to between three and four bytes a token, English to four and more).
[[nodiscard]] std::int64_t estimate_tokens(std::string_view text);

// Where in the prompt it stands. Sections of an earlier place are the same for more calls, so that providers' caches
// hold the beginning.
enum class PromptPlace : std::uint8_t {
  kerf,     // the same for every session of this version and language
  session,  // the same for every call of a session
  call,     // of this expansion
};

struct PromptPart {
  PromptPart() = default;
  PromptPart(const PromptPart&) = delete;
  PromptPart& operator=(const PromptPart&) = delete;
  virtual ~PromptPart() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;  // "target", "ancestors", …
  [[nodiscard]] virtual PromptPlace place() const = 0;
  // What gives way first when room is short: the lowest.
  [[nodiscard]] virtual int priority() const = 0;
  // 0: all of it. Each further step is shorter than the one before; the last one is the least that makes sense, which
  // is nothing for a part that can be left out.
  [[nodiscard]] virtual int steps(const SynthesisRequest& request) const = 0;
  // Empty: there is nothing to say for this request.
  [[nodiscard]] virtual std::string write(const SynthesisRequest& request, int step) const = 0;
  // What a step leaves out, for the record.
  [[nodiscard]] virtual std::string missing(const SynthesisRequest& request, int step) const = 0;
};

}  // namespace kerf
