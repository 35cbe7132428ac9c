#include "candidate/nvrtc_protocol.h"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using json = nlohmann::json;

// CBOR: texts and cubins are bytes, of any kind.
std::string packed(const json& message) {
  const std::vector<std::uint8_t> bytes = json::to_cbor(message);
  return {bytes.begin(), bytes.end()};
}

json bytes(const std::string& text) { return json::binary({text.begin(), text.end()}); }

std::string text(const json& value) {
  const auto& binary = value.get_binary();
  return {binary.begin(), binary.end()};
}

template <class Read>
auto unpacked(std::string_view body, Read read) -> Result<decltype(read(json()))> {
  try {
    return read(json::from_cbor(body));
  } catch (const json::exception& error) {
    return fail(ErrorKind::system,
                std::string("a message of the CUDA compiler's process is not understood: ") + error.what());
  }
}

}  // namespace

std::string encode(const NvrtcRequest& request) {
  json names = json::array(), options = json::array();
  for (const std::string& name : request.names) names.push_back(bytes(name));
  for (const std::string& option : request.options) options.push_back(bytes(option));
  return packed({{"text", bytes(request.text)},
                 {"options", std::move(options)},
                 {"names", std::move(names)},
                 {"cpu_seconds", request.cpu_seconds}});
}

std::string encode(const NvrtcAnswer& answer) {
  json symbols = json::array();
  for (const std::string& symbol : answer.symbols) symbols.push_back(bytes(symbol));
  return packed({{"compiled", answer.compiled},
                 {"died", bytes(answer.died)},
                 {"log", bytes(answer.log)},
                 {"cubin", bytes(answer.cubin)},
                 {"symbols", std::move(symbols)}});
}

Result<NvrtcRequest> decode_nvrtc_request(std::string_view body) {
  return unpacked(body, [](const json& message) {
    NvrtcRequest request{.text = text(message.at("text")),
                         .options = {},
                         .names = {},
                         .cpu_seconds = message.at("cpu_seconds").get<int>()};
    for (const json& option : message.at("options")) request.options.push_back(text(option));
    for (const json& name : message.at("names")) request.names.push_back(text(name));
    return request;
  });
}

Result<NvrtcAnswer> decode_nvrtc_answer(std::string_view body) {
  return unpacked(body, [](const json& message) {
    NvrtcAnswer answer{.compiled = message.at("compiled").get<bool>(),
                       .died = text(message.at("died")),
                       .log = text(message.at("log")),
                       .cubin = text(message.at("cubin")),
                       .symbols = {}};
    for (const json& symbol : message.at("symbols")) answer.symbols.push_back(text(symbol));
    return answer;
  });
}

}  // namespace kerf
