#include "synthesize/model/command_model.h"

#include <fmt/format.h>

#include <map>

#include "base/background.h"
#include "base/process.h"
#include "synthesize/model/dialect.h"

namespace kerf {

namespace {

constexpr std::size_t max_reply = std::size_t{8} << 20;  // bytes

// The last line that says anything: where programs say why they failed.
std::string last_words(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    if (end == text.npos) return {};
    text = text.substr(0, end + 1);
    const std::size_t start = text.rfind('\n');
    if (std::string line = excerpt(start == text.npos ? text : text.substr(start + 1)); !line.empty()) return line;
    text = start == text.npos ? std::string_view{} : text.substr(0, start);
  }
  return {};
}

class CommandModel final : public Model {
 public:
  CommandModel(std::string name, std::vector<std::string> argv, std::optional<Price> price, ModelParts parts,
               std::chrono::milliseconds limit)
      : name_(std::move(name)),
        argv_(std::move(argv)),
        price_(price),
        parts_(parts),
        limit_(limit),
        background_(parts_.loop) {}
  ~CommandModel() override {
    for (auto& [ticket, call] : calls_) {
      if (call.timer != 0) parts_.loop.forget(call.timer);
    }
  }

  Ticket complete(const ModelRequest& request, OnReply on_reply) override {
    const Ticket ticket = ++last_;
    std::string prompt = as_text(request);
    Call& call = calls_[ticket];
    call.on_reply = std::move(on_reply);
    call.started = parts_.clock.now();
    call.prompt_bytes = prompt.size();
    auto run = background_.start(
        {.argv = argv_, .environment = clean_environment(), .input = std::move(prompt)}, limit_, max_reply,
        [this, ticket](Finished finished) { end(ticket, read(calls_.at(ticket), std::move(finished))); });
    if (run) {
      call.run = *run;
    } else {
      call.timer = parts_.loop.after(std::chrono::milliseconds(0), [this, ticket, error = std::move(run.error())] {
        end(ticket, std::unexpected(error));
      });
    }
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    if (found->second.timer != 0) parts_.loop.forget(found->second.timer);
    if (found->second.run != 0) background_.cancel(found->second.run);
    calls_.erase(found);
  }

  [[nodiscard]] std::string name() const override { return name_; }

 private:
  struct Call {
    OnReply on_reply;
    Nanoseconds started{0};
    std::size_t prompt_bytes = 0;
    Background::Ticket run = 0;
    Loop::Timer timer = 0;
  };

  Result<ModelReply> read(const Call& call, Finished finished) const {
    const std::string& program = argv_.front();
    if (finished.timed_out) {
      return fail(ErrorKind::unavailable,
                  fmt::format("{} gave no answer within {} s and was killed", program,
                              std::chrono::duration_cast<std::chrono::seconds>(limit_).count()));
    }
    if (!finished.ok()) {
      const std::string words = last_words(finished.errors);
      return fail(ErrorKind::unavailable,
                  fmt::format("{}: {}{}", program, finished.describe(), words.empty() ? "" : ": " + words));
    }
    if (finished.output_cut) return fail(ErrorKind::unavailable, fmt::format("{} wrote more than 8 MiB", program));
    ModelReply reply;
    reply.text = std::move(finished.output);
    reply.usage.tokens_in = estimated_tokens(call.prompt_bytes);
    reply.usage.tokens_out = estimated_tokens(reply.text.size());
    charge(reply.usage, price_, false);
    reply.model = program;
    reply.seconds = seconds(parts_.clock.now() - call.started);
    return reply;
  }

  void end(Ticket ticket, Result<ModelReply> result) {
    const auto found = calls_.find(ticket);
    OnReply on_reply = std::move(found->second.on_reply);
    calls_.erase(found);
    on_reply(std::move(result));
  }

  std::string name_;
  std::vector<std::string> argv_;
  std::optional<Price> price_;
  ModelParts parts_;
  std::chrono::milliseconds limit_;
  std::map<Ticket, Call> calls_;
  Ticket last_ = 0;
  Background background_;  // last: its programs go before the calls
};

}  // namespace

std::string as_text(const ModelRequest& request) {
  std::string text = joined(request.system);
  const bool conversation = request.messages.size() > 1;
  for (const Message& m : request.messages) {
    if (!text.empty()) text += text.back() == '\n' ? "\n" : "\n\n";
    if (conversation) text += m.role == Speaker::user ? "=== user ===\n" : "=== assistant ===\n";
    text += joined(m.parts);
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else if (c == '\\' && quote == '"' && i + 1 < line.size() && (line[i + 1] == '"' || line[i + 1] == '\\'))
        word += line[++i];
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      open = true;
    } else if (c == ' ' || c == '\t') {
      if (open) words.push_back(std::exchange(word, {}));
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0) return user_error(fmt::format("{}: a quote is not closed", line));
  if (open) words.push_back(std::move(word));
  return words;
}

Result<std::unique_ptr<Model>> make_command_model(std::string_view spec, ModelParts parts,
                                                  const ModelOptions& options) {
  std::vector<std::string> argv = TRY(split_words(spec.substr(std::string_view("command:").size())));
  if (argv.empty()) return user_error("command: names no program, as in command:./agent.sh");
  const auto found = find_program(argv.front());
  if (!found) {
    return fail(ErrorKind::unavailable,
                fmt::format("there is no program {} that can be run: give its path, and chmod +x it", argv.front()));
  }
  argv.front() = *found;
  const auto price = parts.prices.find("command", argv.front());
  return std::make_unique<CommandModel>(std::string(spec), std::move(argv), price, parts, options.command_limit);
}

}  // namespace kerf
