// A store whose process dies: after so many writes nothing is kept any more, as after kill -9. For tests of whoever has
// to survive that.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/store.h"

namespace kerf {

class MortalStore final : public Store {
 public:
  // `died` is told once, from within the first write that is not kept: stop the loop there.
  MortalStore(Store& behind, int writes, std::function<void()> died)
      : behind_(behind), life_(std::make_shared<Life>(writes, std::move(died))) {}

  Result<std::unique_ptr<SessionWriter>> create(const NewSession& session) override {
    TRY(life_->write());
    return wrap(behind_.create(session));
  }
  Result<std::unique_ptr<SessionWriter>> resume(const SessionId& id) override { return wrap(behind_.resume(id)); }
  Result<bool> busy(const SessionId& id) override { return behind_.busy(id); }
  Result<Found> find(std::string_view id) override { return behind_.find(id); }
  Result<Page<SessionRecord>> sessions(const PageRequest& request) override { return behind_.sessions(request); }
  Result<SessionRecord> session(const SessionId& id, std::optional<Step64> as_of) override {
    return behind_.session(id, as_of);
  }
  Result<TaskRecord> task(const std::string& id) override { return behind_.task(id); }
  Result<std::vector<SearchEvent>> events(const SessionId& id, std::optional<Step64> as_of) override {
    return behind_.events(id, as_of);
  }
  Result<Page<NodeRecord>> nodes(const SessionId& id, const PageRequest& request,
                                 std::optional<Step64> as_of) override {
    return behind_.nodes(id, request, as_of);
  }
  Result<NodeRecord> node(const SessionId& id, NodeIndex node, std::optional<Step64> as_of) override {
    return behind_.node(id, node, as_of);
  }
  Result<std::vector<Evaluation>> evaluations(const SessionId& id, NodeIndex node) override {
    return behind_.evaluations(id, node);
  }
  Result<Page<ExchangeRecord>> exchanges(const SessionId& id, const PageRequest& request) override {
    return behind_.exchanges(id, request);
  }
  Result<std::optional<Exchange>> exchange(const SessionId& id, Purpose purpose) override {
    return behind_.exchange(id, purpose);
  }
  Result<Spend> spent(const SessionId& id) override { return behind_.spent(id); }
  Result<std::map<ExpansionId, std::vector<Charge>>> charges(const SessionId& id) override {
    return behind_.charges(id);
  }
  Result<Candidate> candidate(const std::string& digest) override { return behind_.candidate(digest); }
  Result<std::string> artifact(const std::string& digest) override { return behind_.artifact(digest); }
  Result<std::string> put_artifact(std::string_view kind, std::string_view bytes) override {
    TRY(life_->write());
    return behind_.put_artifact(kind, bytes);
  }
  Result<> put_calibration(const std::string& machine, const nlohmann::json& calibration) override {
    TRY(life_->write());
    return behind_.put_calibration(machine, calibration);
  }
  Result<std::optional<nlohmann::json>> calibration(const std::string& machine) override {
    return behind_.calibration(machine);
  }
  ResultCache& cache() override { return behind_.cache(); }

 private:
  struct Life {
    Life(int n, std::function<void()> told) : writes(n), died(std::move(told)) {}
    int writes;
    std::function<void()> died;
    Result<> write() {
      if (writes > 0) {
        --writes;
        return {};
      }
      if (died) std::exchange(died, nullptr)();
      return fail(ErrorKind::system, "the process died");
    }
  };
  struct Writer final : SessionWriter {
    std::unique_ptr<SessionWriter> behind;
    std::shared_ptr<Life> life;
    [[nodiscard]] const SessionId& id() const override { return behind->id(); }
    template <class Write>
    auto mortal(Write write) -> decltype(write()) {
      TRY(life->write());
      return write();
    }
    Result<Step64> append(const SearchEvent& event) override {
      return mortal([&] { return behind->append(event); });
    }
    Result<Step64> record(const NewNode& node) override {
      return mortal([&] { return behind->record(node); });
    }
    Result<Step64> record(const NewMeasurement& measurement) override {
      return mortal([&] { return behind->record(measurement); });
    }
    Result<> confirm(NodeIndex node, const Evaluation& evaluation) override {
      return mortal([&] { return behind->confirm(node, evaluation); });
    }
    Result<> keep(const Exchange& exchange) override {
      return mortal([&] { return behind->keep(exchange); });
    }
    Result<> set_state(const SessionState& state) override {
      return mortal([&] { return behind->set_state(state); });
    }
  };
  Result<std::unique_ptr<SessionWriter>> wrap(Result<std::unique_ptr<SessionWriter>> writer) const {
    if (!writer) return writer;
    auto wrapped = std::make_unique<Writer>();
    wrapped->behind = *std::move(writer);
    wrapped->life = life_;
    return wrapped;
  }
  Store& behind_;
  std::shared_ptr<Life> life_;
};

}  // namespace kerf
