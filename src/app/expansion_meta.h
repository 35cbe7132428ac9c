// The meta.json beside a prompt that kerf ask wrote: what kerf tell needs to know whose answer lies there. It comes
// back from whoever answered, so it is read as bytes of others are.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "candidate/candidate.h"
#include "store/store.h"
#include "synthesize/model/model.h"

namespace kerf {

struct ExpansionMeta {
  SessionId session;
  Purpose purpose;
};

// `where`: the file, for messages. `user` error that names the field if it is no meta.json.
[[nodiscard]] Result<ExpansionMeta> expansion_meta_from_text(std::string_view text, const std::string& where);

// With what people and agents are told beside it: the problem, the request's digest, where the answer belongs.
[[nodiscard]] std::string to_text(const ExpansionMeta& meta, const std::string& problem, Language language,
                                  const std::string& request_digest);

}  // namespace kerf
