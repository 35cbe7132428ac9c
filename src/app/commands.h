// The commands, one function each: options as the command line gave them, the exit code as result. Standard output gets
// results only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "problem/problem.h"
#include "session/session.h"

namespace kerf {

struct ProblemOptions {
  std::string spec;              // FILE.py, SUITE.jsonl#1/19, FOLDER#1/19
  std::vector<std::string> set;  // NAME=VALUE
  std::string sizes;             // file
  std::string mode = "as_written";
  bool allow_degenerate = false;
};
// Loads it and applies the options.
[[nodiscard]] Result<Problem> read_problem(const ProblemOptions& options);
[[nodiscard]] Result<> apply(const ProblemOptions& options, Problem& problem);

struct CommonOptions {
  std::string store;
  bool json = false;
};

struct SearchChoices {
  std::string target = "cpu";
  bool graph = false;  // times of captured graphs
  std::string dtype = "f32";
  std::string language;  // empty: the first of the target's
  std::string synthesizer = "builtin";
  std::string policy = "mcts";
  std::string budget;  // empty: default_budget, or a resumed session's own
  std::optional<std::uint64_t> seed;
  std::optional<int> confirm;
  int jobs = 2;
  std::string progress = "auto";  // auto, plain, json, none
  std::string base_url;
  std::optional<std::int64_t> max_tokens;
  std::string effort;
  std::string evaluations = "measured";  // or "recorded", of a replay
};
// `unavailable` for what this version or machine does not have.
[[nodiscard]] Result<SessionOptions> session_options(const SearchChoices& choices);

struct OptimizeOptions {
  CommonOptions common;
  ProblemOptions problem;
  SearchChoices search;
  std::string out;        // folder; empty: ./kerf-out/<problem>-<session>
  std::string elsewhere;  // folder for bundles; empty: this machine judges
  bool dry_run = false;
};
[[nodiscard]] Result<int> optimize(const OptimizeOptions& options);
// Shows the first prompt and what a session of this size would cost; asks no model and keeps nothing.
[[nodiscard]] Result<int> dry_run(const OptimizeOptions& options, const SessionOptions& choices,
                                  const Problem& problem);

struct ResumeOptions {
  CommonOptions common;
  std::string id;
  std::string budget;
  std::string out;
  std::string progress = "auto";
};
[[nodiscard]] Result<int> resume(const ResumeOptions& options);

struct AskOptions {
  CommonOptions common;
  std::string id;
  int n = 1;
  std::string out;  // folder; empty: ./kerf-ask/<session>
};
[[nodiscard]] Result<int> ask(const AskOptions& options);

struct TellOptions {
  CommonOptions common;
  std::string id;
  std::string answers;  // a folder, or one file of an expansion's folder; or the results of kerf worker run
  std::string budget;   // of results: as of kerf resume
  std::string out;      // folder, should the session end with them; empty: as of kerf optimize
  std::string progress = "auto";
};
[[nodiscard]] Result<int> tell(const TellOptions& options);

struct EvaluateOptions {
  CommonOptions common;
  ProblemOptions problem;
  std::vector<std::string> candidates;  // files
  bool screen = false;                  // fewer samples, no torch.compile
  int runs = 0;                         // timed, of each candidate; 0: as many as it takes
  std::string target = "cpu";
  bool graph = false;      // times of captured graphs
  std::string language;    // empty: as the files' extensions say
  bool for_model = false;  // as prompts tell a model of it
  bool diagnosis = false;  // as a colleague would
  bool profile = false;    // by counters, where there are any
  bool ncu = false;        // by those of Nsight Compute
  std::string bundle;      // file to pack all of it into, instead of judging it here
};
[[nodiscard]] Result<int> evaluate(const EvaluateOptions& options);

struct WorkerRunOptions {
  CommonOptions common;
  std::string bundle;             // file
  std::string out;                // file; empty: beside the bundle
  int jobs = 0;                   // compilations side by side; 0: one a core
  std::vector<int> devices = {};  // GPUs; empty: the first
};
// Judges a bundle and appends what it found out to a file, one evaluation a line; what stands there is not judged
// again.
[[nodiscard]] Result<int> run_worker(const WorkerRunOptions& options);

struct SessionsOptions {
  CommonOptions common;
  int limit = 20;
  std::string after;
};
[[nodiscard]] Result<int> list_sessions(const SessionsOptions& options);

struct ShowOptions {
  CommonOptions common;
  std::string id;
  bool source = false;
  bool diagnosis = false;     // of a node, or of a session's best
  bool prompt = false;        // of a node, byte for byte
  bool conversation = false;  // with replies and what each call cost
};
[[nodiscard]] Result<int> show(const ShowOptions& options);

struct ExportOptions {
  CommonOptions common;
  std::string id;
  std::string format = "source";
  std::string out;  // file; empty: standard output
};
[[nodiscard]] Result<int> export_node(const ExportOptions& options);

struct ProblemShowOptions {
  CommonOptions common;
  ProblemOptions problem;
  bool graph = false;
};
[[nodiscard]] Result<int> show_problem(const ProblemShowOptions& options);

struct SuiteRunOptions {
  CommonOptions common;
  ProblemOptions problem;  // spec is the suite
  SearchChoices search;
  std::string select;
  std::string id;     // resume this suite run
  std::string shard;  // "1/4"; empty: all of it
  std::string out;
  int sessions = 1;  // problems that are worked on side by side
};
[[nodiscard]] Result<int> run_suite(const SuiteRunOptions& options);

// Runs are named by their id, "last", or a file (suite.json of another machine).
struct SuiteReportOptions {
  CommonOptions common;
  std::string run;
  std::string html, markdown;  // files to write as well
};
[[nodiscard]] Result<int> report_suite(const SuiteReportOptions& options);

struct SuiteMergeOptions {
  CommonOptions common;
  std::string id;                 // of the merged run
  std::vector<std::string> runs;  // empty: the shards of `id`
};
[[nodiscard]] Result<int> merge_suite(const SuiteMergeOptions& options);

struct SuiteCompareOptions {
  CommonOptions common;
  std::string a, b;
  std::string html, markdown;
};
[[nodiscard]] Result<int> compare_suites(const SuiteCompareOptions& options);

struct ModelsOptions {
  bool json = false;
};
// Providers, whether their keys are there, and the prices that are known.
[[nodiscard]] Result<int> list_models(const ModelsOptions& options);

struct CostOptions {
  CommonOptions common;
  std::vector<std::string> stores;  // files; empty: the one of `common`
  std::string select;               // glob of problem ids; empty: all
  double within = 3;                // percent of the best
  std::size_t least = 8;            // recipes of a problem
  std::size_t recipes = 65536;      // at most, of the newest sessions
};
// How well the cost model orders what a store has measured.
[[nodiscard]] Result<int> show_cost(const CostOptions& options);

struct DoctorOptions {
  CommonOptions common;
  bool calibrate = false;
};
[[nodiscard]] Result<int> doctor(const DoctorOptions& options);

}  // namespace kerf
