// The session's machinery; session.h is its face.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "session/session.h"

namespace kerf {

class Session::Engine final : public ExchangeLog, public std::enable_shared_from_this<Session::Engine> {
 public:
  Engine(SessionParts parts, SessionOptions options, std::shared_ptr<const Understood> problem);
  ~Engine() override;

  [[nodiscard]] Result<> prepare();  // search and stopper, from the options
  [[nodiscard]] Result<> create();
  [[nodiscard]] Result<> restore(const SessionId& id);
  void run(Done done);
  void interrupt();
  void abandon_proposals();
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] std::vector<ExpansionId> waiting() const;

  // Every reply is in the store, and counted, before anything is made of it.
  Result<> keep(const Exchange& exchange) override;
  [[nodiscard]] Result<std::optional<Exchange>> find(Purpose purpose) override;

  SessionParts parts;
  SessionOptions options;
  SessionId id;
  SessionNodes nodes;

 private:
  // An expansion that was asked and has not been told.
  struct Flight {
    Expansion expansion;
    SynthesisRequest request;
    Synthesizer::Ticket ticket = 0;
    bool proposing = false;
    std::optional<std::optional<Proposal>> written;  // came, and waits for its turn
    std::optional<std::string> recorded;             // digest of what had come before the process died
    std::optional<Proposal> proposal;
    bool nothing = false;              // nothing new, nothing to evaluate
    std::string closed_by;             // why nothing new may be written: Proposed::closed_by
    std::optional<Error> lost;         // its reply, or in a script its evaluation, cannot be had
    std::optional<Evaluation> judged;  // came, and waits for its turn
    bool deferred = false;             // its evaluation is awaited from elsewhere
    int tries = 0;                     // submissions that failed through our own fault
  };

  // Errors that the next try would meet, too.
  [[nodiscard]] static bool hopeless(const Error& error) {
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::user;
  }
  void schedule_pump();
  void pump();
  [[nodiscard]] std::optional<StopReason> should_stop() const;
  [[nodiscard]] bool may_ask() const;
  [[nodiscard]] Progress progress_now() const;
  void add_foreseen(Progress& progress, int calls) const;           // what so many calls may cost
  [[nodiscard]] bool may_call(ExpansionId expansion, int attempt);  // a further call to a model for it
  // Of a compiled candidate: whether a node of the session runs the same code, in words.
  [[nodiscard]] std::optional<std::string> node_of_code(const std::string& code) const;
  bool ask(const Expansion& expansion);                // records and carries out; false: the session ended
  void follow();                                       // the script's next steps, as far as what they need is there
  [[nodiscard]] bool follow(const SearchEvent& step);  // false: it has to wait, or the session ended
  Flight& take_off(const Expansion& expansion);        // composes the request from the nodes that exist now
  void carry_out(ExpansionId expansion);
  void propose(Flight& flight);
  void proposed(ExpansionId expansion, Result<std::optional<Proposal>> reply);
  void accept(ExpansionId expansion);           // what was written
  bool remember(const std::string& candidate);  // false: it was written before
  void submit(ExpansionId expansion);
  void evaluated(ExpansionId expansion, Result<Evaluation> evaluation);
  void nothing_new(ExpansionId expansion);
  void tell_nothing(ExpansionId expansion);
  void tell(ExpansionId expansion);
  void take_back(ExpansionId expansion, const Error& error);  // lost through our own fault
  void charge(ExpansionId expansion);                         // of an expansion that ends: to whoever writes
  struct Restoring;                                           // session.cc
  [[nodiscard]] Result<> replay_event(const SearchEvent& event, Restoring& from);
  void settle(Flight flight, SessionNode node);  // a new node: remembers, counts, teaches

  void wait_elsewhere(std::size_t awaited);  // ends, interrupted: a later process takes in what is awaited
  void begin_confirming();
  void confirm_next();
  void confirmed(NodeIndex node, Result<Evaluation> evaluation);
  void finish(SessionStatus status);
  void fail_with(Error error);

  [[nodiscard]] double elapsed() const;
  [[nodiscard]] SessionState state(SessionStatus status) const;
  void store_refused(const Error& error);
  template <class T>
  bool kept(const Result<T>& result) {  // false, and the session ends, if the store refused
    if (!result) store_refused(result.error());
    if constexpr (std::is_same_v<T, Step64>) step_ = result.value_or(step_);
    return result.has_value();
  }
  bool save_state(SessionStatus status);
  void tell_view();
  // Wraps a member so that it does nothing once the session is gone.
  template <class... Arguments>
  auto guarded(void (Engine::*member)(ExpansionId, Arguments...), ExpansionId expansion) {
    return [weak = weak_from_this(), member, expansion](Arguments... arguments) {
      if (const auto self = weak.lock()) ((*self).*member)(expansion, std::move(arguments)...);
    };
  }

  std::shared_ptr<const Understood> problem_;
  std::unique_ptr<Search> search_;
  std::unique_ptr<Stopper> stopper_;
  std::unique_ptr<SessionWriter> writer_;
  std::map<ExpansionId, Flight> flights_;
  std::set<std::string> tried_set_;
  std::vector<std::string> tried_;          // digests in the order of proposing
  std::map<std::string, NodeIndex> codes_;  // Evaluation::code -> the first node that has it
  Progress progress_;
  Spend spend_;
  std::map<ExpansionId, std::vector<Charge>> charges_;  // of expansions in flight
  Step64 step_ = 0;
  int asked_ = 0;  // by this process
  int failed_ = 0;
  int lost_in_a_row_ = 0;
  double seconds_before_ = 0;  // of earlier processes
  Nanoseconds started_{0};
  Phase phase_ = Phase::searching;
  std::optional<StopReason> stopped_;
  std::optional<Error> error_;
  std::vector<NodeIndex> to_confirm_;
  int confirmations_ = 0, confirmation_tries_ = 0;
  int confirmations_awaited_ = 0;  // from elsewhere
  std::string reason_;
  bool pumping_ = false;
  bool running_ = false;
  bool interrupted_ = false;
  bool done_called_ = false;
  Done done_;
};

}  // namespace kerf
