// Whatever a provider's server sends, as a stream of events, as a whole body and as a refusal, is read without harm.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "synthesize/model/dialect.h"
#include "synthesize/model/server_check.h"
#include "synthesize/model/sse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& dialect : {make_anthropic_dialect(), make_openai_dialect(true)}) {
    const auto streamed = dialect->reader();
    bool failed = false;
    EventStream stream;
    const auto take = [&](const ServerEvent& event) { failed = failed || !streamed->event(event); };
    if (stream.feed(bytes, take)) (void)stream.finish(take);
    if (streamed->reply.text.size() > 3 * size) __builtin_trap();  // a byte that is no UTF-8 becomes three
    const auto json = nlohmann::json::parse(bytes, nullptr, false);
    if (!json.is_discarded()) (void)dialect->reader()->whole(json);
  }
  const AskedServer asked{.host = "host", .model = "model", .key_name = "KEY", .key_remedy = "set KEY"};
  for (const int status : {400, 401, 404, 429, 529}) {
    const CallTrouble trouble = trouble_of_answer(asked, {.status = status}, bytes, 0);
    if (trouble.error.message.empty()) __builtin_trap();
  }
  for (const bool own : {false, true}) {
    AskedServer server = asked;
    server.own_server = own;
    (void)read_models_answer(server, {.status = 200}, bytes, 0);
  }
  (void)retry_after(bytes, 0);
  return 0;
}
