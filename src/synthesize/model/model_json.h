// Requests and replies as JSON: in the store, in recordings, in batch files. Unknown names are ignored when read.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "synthesize/model/model.h"

namespace kerf {

[[nodiscard]] nlohmann::json to_json(const ModelRequest& request);  // without its purpose
[[nodiscard]] Result<ModelRequest> model_request_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const ModelReply& reply);
[[nodiscard]] Result<ModelReply> model_reply_from_json(const nlohmann::json& json);

}  // namespace kerf
