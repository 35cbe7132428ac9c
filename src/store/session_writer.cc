#include "store/session_writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"
#include "store/records.h"
#include "synthesize/model/model_json.h"

namespace kerf {
namespace {

class Writer final : public SessionWriter {
 public:
  Writer(std::shared_ptr<StoreFile> file, SessionId id, std::int64_t number, std::shared_ptr<void> lock, Step64 step)
      : file_(std::move(file)), id_(std::move(id)), number_(number), lock_(std::move(lock)), step_(step) {}

  const SessionId& id() const override { return id_; }

  Result<Step64> append(const SearchEvent& event) override {
    TRY(write_event(event));  // one statement is a transaction of its own
    return ++step_;
  }

  Result<Step64> record(const NewNode& node) override {
    if (!node.told.node) return fail(ErrorKind::internal, "a node was recorded without its index");
    Database& database = *file_->database;
    Transaction transaction = TRY(Transaction::begin(database));
    TRY(write_event(node.told));
    const std::string candidate = node.candidate.id();
    TRY(file_->put(candidate, fmt::format("candidate/{}", to_string(node.candidate.language)), node.candidate.name,
                   node.candidate.text));
    std::string prompt;
    if (!node.prompt.empty()) {
      prompt = sha256(node.prompt);
      TRY(file_->put(prompt, "prompt", "", node.prompt));
    }
    TRY(database.run("INSERT INTO nodes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                     {number_, *node.told.node, step_ + 1, stored_text(to_json(SearchEvent(Asked{node.expansion}))),
                      stored_text(to_json(SearchEvent(node.told))), candidate, stored_text(node.recipe), node.move,
                      node.rationale, prompt, stored_text(to_json(node.usage)), file_->clock->unix_ms()}));
    TRY(write_evaluation(*node.told.node, step_ + 1, "search", node.evaluation));
    TRY(transaction.commit());
    return ++step_;
  }

  Result<Step64> record(const NewMeasurement& measurement) override {
    Transaction transaction = TRY(Transaction::begin(*file_->database));
    TRY(write_event(measurement.told));
    TRY(write_evaluation(measurement.node, step_ + 1, "search", measurement.evaluation));
    TRY(transaction.commit());
    return ++step_;
  }

  Result<> confirm(NodeIndex node, const Evaluation& evaluation) override {
    return write_evaluation(node, step_, "confirm", evaluation);
  }

  Result<> keep(const Exchange& exchange) override {
    return file_->database->run(
        "INSERT INTO exchanges SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM exchanges "
        "WHERE session = ?1",
        {number_, step_, static_cast<std::int64_t>(exchange.purpose.expansion), std::int64_t{exchange.purpose.attempt},
         exchange.model, exchange.request_digest, stored_text(exchange.request), stored_text(to_json(exchange.reply)),
         file_->clock->unix_ms()});
  }

  Result<> set_state(const SessionState& state) override {
    return file_->database->run(
        "INSERT INTO states SELECT ?1, coalesce(max(serial), 0) + 1, ?2, ?3, ?4 FROM states WHERE session = ?1",
        {number_, step_, stored_text(to_json(state)), file_->clock->unix_ms()});
  }

 private:
  Result<> write_event(const SearchEvent& event) {
    return file_->database->run("INSERT INTO steps VALUES (?1, ?2, ?3, ?4)",
                                {number_, step_ + 1, stored_text(to_json(event)), file_->clock->unix_ms()});
  }
  Result<> write_evaluation(NodeIndex node, Step64 step, std::string_view purpose, const Evaluation& evaluation) {
    return file_->database->run(
        "INSERT INTO evaluations SELECT ?1, ?2, coalesce(max(serial), 0) + 1, ?3, ?4, ?5, ?6, ?7 FROM evaluations "
        "WHERE session = ?1 AND node = ?2",
        {number_, node, step, std::string(purpose), std::string(to_string(evaluation.verdict)),
         stored_text(to_json(evaluation)), file_->clock->unix_ms()});
  }

  std::shared_ptr<StoreFile> file_;
  SessionId id_;
  std::int64_t number_;
  std::shared_ptr<void> lock_;
  Step64 step_;
};

}  // namespace

Result<> StoreFile::put(const std::string& digest, std::string_view kind, std::string_view name,
                        std::string_view bytes) const {
  return database->run("INSERT INTO artifacts VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (digest) DO NOTHING",
                       {digest, std::string(kind), std::string(name), std::string(bytes), clock->unix_ms()});
}

std::unique_ptr<SessionWriter> make_session_writer(std::shared_ptr<StoreFile> file, SessionId id, std::int64_t number,
                                                   std::shared_ptr<void> lock, Step64 step) {
  return std::make_unique<Writer>(std::move(file), std::move(id), number, std::move(lock), step);
}

}  // namespace kerf
