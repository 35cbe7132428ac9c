#include "synthesize/model/model.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "synthesize/model/model_json.h"

namespace kerf {

std::string ModelRequest::digest() const { return sha256(to_json(*this).dump()); }

const char* to_string(Finish finish) {
  switch (finish) {
    case Finish::complete:
      return "complete";
    case Finish::length:
      return "length";
    case Finish::refusal:
      return "refusal";
    case Finish::failed:
      return "failed";
    case Finish::other:
      return "other";
  }
  return "?";
}

}  // namespace kerf
