#include "evaluate/job_graph.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace kerf {
namespace {

bool ours(const Error& error) { return error.kind == ErrorKind::system || error.kind == ErrorKind::internal; }

constexpr std::size_t slots = 4;

}  // namespace

struct JobGraph::State : std::enable_shared_from_this<State> {
  struct Entry {
    JobGroup group = 0;
    Job job;
    std::set<JobId> waits_for;
    std::vector<JobId> followers;
    bool running = false;
    int attempts = 0;
    double seconds = 0;
  };

  State(Loop& l, const Clock& c, ResultCache& r, JobLimits m) : loop(l), clock(c), cache(r), limits(m) {}

  Loop& loop;
  const Clock& clock;
  ResultCache& cache;
  JobLimits limits;
  bool closed = false;
  bool scheduled = false;
  JobId next_job = 1;
  JobGroup next_group = 1;
  std::map<JobId, Entry> jobs;  // in order of addition, which is the order of starting
  std::set<JobGroup> cancelled_groups;
  std::array<int, slots> busy{};  // running bodies per slot, those of cancelled jobs included

  int& busy_in(Slot slot) { return busy[static_cast<std::size_t>(slot)]; }
  int all_busy() const {
    int sum = 0;
    for (const int n : busy) sum += n;
    return sum;
  }

  // Starting is an event of its own: whoever adds several jobs has added them all before the first one runs, and `done`
  // is never called from within add().
  void schedule() {
    if (scheduled || closed) return;
    scheduled = true;
    loop.post([self = shared_from_this()] {
      self->scheduled = false;
      self->start_ready();
    });
  }

  bool free(Slot slot, bool alone_waits) {
    const bool quiet = alone_waits || busy_in(Slot::alone) > 0;
    switch (slot) {
      case Slot::light:
        return limits.device || !quiet;
      case Slot::compile:
        return (limits.device || !quiet) && busy_in(Slot::compile) < std::max(1, limits.compile);
      case Slot::run:
        return !quiet && busy_in(Slot::run) == 0;
      case Slot::alone:
        return busy_in(Slot::alone) == 0 && (limits.device ? busy_in(Slot::run) : all_busy()) == 0;
    }
    return false;
  }

  void start_ready() {
    std::vector<JobId> ready;
    for (const auto& [id, entry] : jobs) {
      if (!entry.running && entry.waits_for.empty()) ready.push_back(id);
    }
    // A job that needs the quiet machine holds back those that came after it: else it would wait for ever while others
    // keep coming.
    bool alone_waits = false;
    for (const JobId id : ready) {
      const auto found = jobs.find(id);
      if (found == jobs.end() || closed) continue;  // cancelled by the `done` of another
      auto& entry = found->second;
      if (!entry.job.key.empty() && entry.attempts == 0) {
        if (auto known = cache.get(entry.job.key)) {
          finish(id, {.output = std::move(*known),
                      .record = {.kind = entry.job.kind, .seconds = 0, .cached = true},
                      .attempts = 0});
          continue;
        }
      }
      if (free(entry.job.slot, alone_waits)) {
        start(id, entry);
      } else if (entry.job.slot == Slot::alone) {
        alone_waits = true;
      }
    }
  }

  void start(JobId id, Entry& entry) {
    entry.running = true;
    ++entry.attempts;
    ++busy_in(entry.job.slot);
    // The body is shared with the pool's thread: a cancelled entry may be gone before it returns.
    struct Flight {
      std::function<Result<std::string>()> body;
      Result<std::string> output = fail(ErrorKind::internal, "a job's body did not run");
      Nanoseconds start{}, end{};
    };
    auto flight = std::make_shared<Flight>();
    flight->body = entry.job.body;
    loop.offload(
        [flight, &time = clock] {
          flight->start = time.now();
          flight->output = flight->body();
          flight->end = time.now();
        },
        [weak = weak_from_this(), id, slot = entry.job.slot, flight] {
          const auto self = weak.lock();
          if (!self || self->closed) return;
          --self->busy_in(slot);
          self->returned(id, std::move(flight->output), seconds(flight->end - flight->start));
        });
  }

  void returned(JobId id, Result<std::string> output, double took) {
    schedule();
    const auto found = jobs.find(id);
    if (found == jobs.end()) return;  // cancelled meanwhile
    auto& entry = found->second;
    entry.seconds += took;
    if (!output && ours(output.error()) && entry.attempts < limits.attempts) {
      entry.running = false;
      return;
    }
    if (output && !entry.job.key.empty()) cache.put(entry.job.key, *output);
    const int attempts = entry.attempts;
    finish(id, {.output = std::move(output),
                .record = {.kind = entry.job.kind, .seconds = entry.seconds, .cached = false},
                .attempts = attempts});
  }

  void finish(JobId id, JobOutcome outcome) {
    auto node = jobs.extract(id);
    if (node.empty()) return;
    auto& entry = node.mapped();
    const bool succeeded = outcome.output.has_value();
    std::vector<JobId> doomed;
    for (const JobId follower : entry.followers) {
      const auto found = jobs.find(follower);
      if (found == jobs.end()) continue;
      if (succeeded) {
        found->second.waits_for.erase(id);
      } else {
        doomed.push_back(follower);
      }
    }
    const std::string kind = entry.job.kind;
    schedule();
    if (entry.job.done) entry.job.done(std::move(outcome));
    for (const JobId follower : doomed) drop(follower, "not started: the job \"" + kind + "\" before it failed");
  }

  void drop(JobId id, std::string why) {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return;
    finish(id, {.output = fail(ErrorKind::cancelled, std::move(why)),
                .record = {.kind = found->second.job.kind, .seconds = found->second.seconds, .cached = false},
                .attempts = found->second.attempts});
  }
};

JobGraph::JobGraph(Loop& loop, const Clock& clock, ResultCache& cache, JobLimits limits)
    : state_(std::make_shared<State>(loop, clock, cache, limits)) {}

JobGraph::~JobGraph() { state_->closed = true; }

JobGroup JobGraph::open_group() { return state_->next_group++; }

JobId JobGraph::add(JobGroup group, Job job) {
  const JobId id = state_->next_job++;
  State::Entry entry{.group = group, .job = std::move(job), .waits_for = {}, .followers = {}};
  for (const JobId before : entry.job.after) {
    const auto found = state_->jobs.find(before);
    if (found == state_->jobs.end()) continue;
    found->second.followers.push_back(id);
    entry.waits_for.insert(before);
  }
  if (cancelled(group)) entry.waits_for.insert(0);  // no job has this id: it never starts
  state_->jobs.emplace(id, std::move(entry));
  if (cancelled(group)) {
    state_->loop.post([state = state_, id] { state->drop(id, "cancelled"); });
  } else {
    state_->schedule();
  }
  return id;
}

void JobGraph::cancel(JobGroup group) {
  if (!state_->cancelled_groups.insert(group).second) return;
  std::vector<JobId> members;
  for (const auto& [id, entry] : state_->jobs) {
    if (entry.group == group) members.push_back(id);
  }
  for (const JobId id : members) state_->drop(id, "cancelled");
}

bool JobGraph::cancelled(JobGroup group) const { return state_->cancelled_groups.contains(group); }
std::size_t JobGraph::pending() const { return state_->jobs.size(); }
int JobGraph::running() const { return state_->all_busy(); }

}  // namespace kerf
