// Any bytes as a model's reply: read, and what comes out keeps its promises.
#include <cstddef>
#include <cstdint>
#include <string>

#include "candidate/plan.h"
#include "synthesize/reply/normal_text.h"
#include "synthesize/reply/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kerf;
  if (size == 0) return 0;
  static const Candidate base{.text =
                                  "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", "
                                  "\"out\"]\n/// */\nextern \"C\" void k(const float* x, float* out, int64_t) {\n"
                                  "  out[0] = x[0];\n}\n",
                              .language = Language::cpp,
                              .name = "base"};
  ModelReply reply;
  reply.text.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  reply.finish = (data[0] & 1U) != 0 ? Finish::length : (data[0] & 2U) != 0 ? Finish::refusal : Finish::complete;
  // The last byte's bits: with or without something to edit, as a reply or as a source that was framed.
  if ((data[0] & 4U) != 0) reply.text = "```cpp\n/* /// kerf\nversion = 1\n" + reply.text + "\n/// */\n```\n";
  const ReplyContext context{.language = Language::cpp, .name = "fuzz", .base = (data[0] & 8U) != 0 ? &base : nullptr};
  const ReadReply read = read_reply(reply, context);
  if (const auto* written = std::get_if<Written>(&read)) {
    const bool readable = read_source(written->candidate).has_value();
    const bool repeats = context.base != nullptr && normal_text(written->candidate) == normal_text(base);
    if (!readable || repeats || written->rationale.find('\n') != std::string::npos) __builtin_trap();
  } else if (std::get<Unusable>(read).message.empty()) {
    __builtin_trap();
  }
  return 0;
}
