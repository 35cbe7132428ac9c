// Which commands and options there are.
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "app/cli.h"
#include "app/completion.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/wiring.h"
#include "evaluate/statistics.h"

namespace kerf {

namespace {

constexpr const char* examples = R"(
Examples:
  kerf doctor                                    what this machine has and lacks
  kerf problem show model.py                     what kerf understood of a PyTorch file
  kerf optimize model.py --budget 5m             search for five minutes
  kerf optimize suite.jsonl#1/19 --set batch_size=4096
  kerf evaluate model.py kernel.cpp              judge a kernel that you wrote
  kerf optimize model.py --synthesizer anthropic/MODEL --budget 64candidates,2usd
  kerf sessions; kerf show last                  what was found, and why
  kerf export last --format pytorch              a file with a ModelNew that runs without kerf
)";

void add_common(CLI::App* app, CommonOptions& options) {
  app->add_option("--store", options.store, "Store to use (default: kerf.db in the data directory)")->type_name("PATH");
  app->add_flag("--json", options.json, "Print one JSON document to standard output and nothing else there");
}

void add_problem(CLI::App* app, ProblemOptions& options, const char* what, bool required = true) {
  app->add_option("problem", options.spec, what)->required(required)->type_name("PROBLEM");
  app->add_option("--set", options.set, "Give a module-level size another value; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app->add_option("--sizes", options.sizes, "JSON file with sizes per problem: {\"1/19\": {\"batch_size\": 16}}")
      ->type_name("FILE");
  app->add_option("--mode", options.mode, "Run the module as its file leaves it (as_written), or call eval() first")
      ->check(CLI::IsMember({"as_written", "eval"}))
      ->capture_default_str();
  app->add_flag("--allow-degenerate", options.allow_degenerate, "Admit problems on which a trivial answer passes");
}

void add_search(CLI::App* app, SearchChoices& options) {
  app->add_option("--target", options.target, "Machine to write for")->type_name("NAME")->capture_default_str();
  app->add_flag("--graph", options.graph, "Time plans and baselines as one captured graph each (on GPUs)");
  app->add_option("--dtype", options.dtype, "Working type")->type_name("TYPE")->capture_default_str();
  app->add_option("--language", options.language, "Language of candidates; cpp on cpu, cuda on nvidia")
      ->type_name("NAME");
  app->add_option(
         "--synthesizer", options.synthesizer,
         "Who writes candidates: builtin, random, anthropic/MODEL, openai/MODEL, command:PROGRAM, batch:…, ask, "
         "replay:SESSION|FILE, or several, as in a,b:3,builtin")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--base-url", options.base_url, "Another server than the provider's own (docs/models.md)")
      ->type_name("URL");
  app->add_option("--max-tokens", options.max_tokens, "Longest reply of a model, reasoning included")
      ->type_name("N")
      ->check(CLI::Range(256, 1'000'000));
  app->add_option("--effort", options.effort, "How much a model reasons, as its provider names it: low, high, …")
      ->type_name("WORD");
  app->add_option("--evaluations", options.evaluations, "Measure, or take a recording's (with --synthesizer replay:…)")
      ->check(CLI::IsMember({"measured", "recorded"}))
      ->capture_default_str();
  app->add_option("--policy", options.policy, "Search policy: mcts, greedy, best-of-n")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--budget", options.budget,
                  fmt::format("When to stop: candidates, s, m, h, plateau, sol, tokens, ktokens, usd (default {})",
                              default_budget))
      ->type_name("LIST");
  app->add_option("--seed", options.seed, "Seed of the search (default 0)")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  app->add_option(
         "--confirm", options.confirm,
         "How many of the best are measured anew at the end (default 3); 0: none, the search's own figures stand")
      ->type_name("N")
      ->check(CLI::Range(0, 100));
  app->add_option("--jobs", options.jobs, "Candidates in flight at once")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app->add_option("--progress", options.progress, "What to show while it runs")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}))
      ->capture_default_str();
}

CLI::App* add_command(CLI::App* parent, const char* name, const char* what, const char* example) {
  CLI::App* command = parent->add_subcommand(name, what);
  command->footer(fmt::format("\nExample:\n  {}", example));
  return command;
}

}  // namespace

std::unique_ptr<CommandLine> make_command_line() {
  auto line = std::make_unique<CommandLine>();
  CommandLine& c = *line;
  c.app = std::make_unique<CLI::App>("kerf writes kernels: from a PyTorch file to a faster, proven kernel.", "kerf");
  CLI::App* app = c.app.get();
  app->set_version_flag("--version", std::string("kerf ") + kerf_version);
  app->set_help_flag("-h,--help", "Print this help");
  app->footer(examples);
  app->require_subcommand(1);
  app->fallthrough(false);

  CLI::App* optimize_app = add_command(app, "optimize", "Search for a faster kernel",
                                       "kerf optimize suite.jsonl#1/19 --budget 64candidates,5m --out fast-relu");
  add_problem(optimize_app, c.optimize.problem, "FILE.py, SUITE.jsonl#LEVEL/ID or FOLDER#LEVEL/ID", false);
  add_search(optimize_app, c.optimize.search);
  optimize_app->add_option("--out", c.optimize.out, "Folder for the results (default ./kerf-out/PROBLEM-SESSION)")
      ->type_name("DIR");
  optimize_app
      ->add_option(
          "--elsewhere", c.optimize.elsewhere,
          "Have another machine judge: write bundles for kerf worker run to this folder, --jobs candidates each")
      ->type_name("DIR");
  optimize_app->add_flag("--dry-run", c.optimize.dry_run,
                         "Show the first prompt and what a session of this size would cost; ask no model");
  add_common(optimize_app, c.optimize.common);
  optimize_app->callback([&c] { c.chosen = [&c] { return optimize(c.optimize); }; });

  CLI::App* resume_app =
      add_command(app, "resume", "Go on with a session that was interrupted, killed or out of budget",
                  "kerf resume last --budget 200candidates");
  resume_app->add_option("session", c.resume.id, "Session, abbreviated, or last")->required()->type_name("SESSION");
  resume_app->add_option("--budget", c.resume.budget, "A new budget, for the session as a whole")->type_name("LIST");
  resume_app->add_option("--out", c.resume.out, "Folder for the results")->type_name("DIR");
  resume_app->add_option("--progress", c.resume.progress, "What to show while it runs")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}))
      ->capture_default_str();
  add_common(resume_app, c.resume.common);
  resume_app->callback([&c] { c.chosen = [&c] { return resume(c.resume); }; });

  CLI::App* ask_app = add_command(app, "ask", "Have candidates written by others: write expansions as files",
                                  "kerf ask last -n 4 --out work");
  ask_app->add_option("session", c.ask.id, "Session, abbreviated, or last (begun with --synthesizer ask)")
      ->required()
      ->type_name("SESSION");
  ask_app->add_option("-n", c.ask.n, "How many more")
      ->type_name("K")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  ask_app->add_option("--out", c.ask.out, "Folder to write them to (default ./kerf-ask/SESSION)")->type_name("DIR");
  add_common(ask_app, c.ask.common);
  ask_app->callback([&c] { c.chosen = [&c] { return ask(c.ask); }; });

  CLI::App* tell_app =
      add_command(app, "tell", "Take in what others wrote, or what another machine found out",
                  "kerf tell last work; kerf tell last work/7/reply.md; kerf tell last 3f9c-1.results");
  tell_app->add_option("session", c.tell.id, "Session, abbreviated, or last")->required()->type_name("SESSION");
  tell_app
      ->add_option("answers", c.tell.answers,
                   "Folder that kerf ask wrote, or one answer in it, or results of kerf worker run")
      ->required()
      ->type_name("DIR|FILE");
  tell_app->add_option("--budget", c.tell.budget, "Of results: a new budget, for the session as a whole")
      ->type_name("LIST");
  tell_app->add_option("--out", c.tell.out, "Folder for the results, if the session ends with these")->type_name("DIR");
  tell_app->add_option("--progress", c.tell.progress, "What to show while it runs")
      ->check(CLI::IsMember({"auto", "plain", "json", "none"}))
      ->capture_default_str();
  add_common(tell_app, c.tell.common);
  tell_app->callback([&c] { c.chosen = [&c] { return tell(c.tell); }; });

  CLI::App* evaluate_app = add_command(app, "evaluate", "Judge and time candidates that you wrote",
                                       "kerf evaluate model.py kernel.cpp --json");
  add_problem(evaluate_app, c.evaluate.problem, "FILE.py, SUITE.jsonl#LEVEL/ID or FOLDER#LEVEL/ID");
  evaluate_app->add_option("candidates", c.evaluate.candidates, "Files with a kernel and its plan (docs/candidates.md)")
      ->required()
      ->type_name("FILE...");
  evaluate_app->add_flag("--screen", c.evaluate.screen, "Fewer samples, no torch.compile: a quick answer");
  evaluate_app->add_option("--runs", c.evaluate.runs, "So many timed runs of each candidate (default: as it takes)")
      ->type_name("N")
      ->check(CLI::Range(static_cast<int>(fewest_pairs), 10'000));
  evaluate_app->add_option("--target", c.evaluate.target, "What the candidates run on: cpu or nvidia")
      ->capture_default_str();
  evaluate_app->add_flag("--graph", c.evaluate.graph, "Time plans and baselines as one captured graph each (on GPUs)");
  evaluate_app->add_option("--language", c.evaluate.language,
                           "cpp, cuda, triton or gluon, where a file does not say it");
  evaluate_app->add_flag("--for-model", c.evaluate.for_model, "In the words in which a model would be told of it");
  evaluate_app->add_flag("--profile", c.evaluate.profile,
                         "Count what kernels do, where the machine lets one (confirmed candidates always are)");
  evaluate_app->add_flag("--ncu", c.evaluate.ncu,
                         "A profile by NVIDIA Nsight Compute: the same metrics, some 5 s more");
  evaluate_app->add_flag("--diagnosis", c.evaluate.diagnosis, "Why it is as fast as it is, with the figures");
  evaluate_app
      ->add_option("--bundle", c.evaluate.bundle,
                   "Judge nothing here: pack all that it takes into this file, for kerf worker run on another machine")
      ->type_name("FILE");
  add_common(evaluate_app, c.evaluate.common);
  evaluate_app->callback([&c] { c.chosen = [&c] { return evaluate(c.evaluate); }; });

  CLI::App* worker_app = app->add_subcommand("worker", "Judge for another machine");
  worker_app->require_subcommand(1);
  CLI::App* worker_run =
      add_command(worker_app, "run", "Judge the candidates of a bundle; goes on where it was stopped",
                  "kerf worker run 3f9c-1.bundle --out 3f9c-1.results");
  worker_run
      ->add_option("bundle", c.worker_run.bundle, "What kerf optimize --elsewhere or kerf evaluate --bundle wrote")
      ->required()
      ->type_name("BUNDLE");
  worker_run->add_option("--out", c.worker_run.out, "File for the results (default: beside the bundle, NAME.results)")
      ->type_name("FILE");
  worker_run->add_option("--jobs", c.worker_run.jobs, "Compilations side by side (default: one a core)")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  worker_run->add_option("--devices", c.worker_run.devices, "GPUs that judge side by side, as 0,1 (default: the first)")
      ->delimiter(',')
      ->type_name("N,N")
      ->check(CLI::Range(0, 63));
  add_common(worker_run, c.worker_run.common);
  worker_run->callback([&c] { c.chosen = [&c] { return run_worker(c.worker_run); }; });

  CLI::App* sessions_app = add_command(app, "sessions", "List sessions, newest first", "kerf sessions --limit 50");
  sessions_app->add_option("--limit", c.sessions.limit, "How many a page")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  sessions_app->add_option("--after", c.sessions.after, "Where the page before ended")->type_name("MARK");
  add_common(sessions_app, c.sessions.common);
  sessions_app->callback([&c] { c.chosen = [&c] { return list_sessions(c.sessions); }; });

  CLI::App* show_app =
      add_command(app, "show", "Show a session's tree, or one node", "kerf show last; kerf show last/12 --source");
  show_app->add_option("id", c.show.id, "Session or SESSION/NODE, abbreviated, or last")->required()->type_name("ID");
  show_app->add_flag("--source", c.show.source, "With the candidate's text");
  show_app->add_flag("--diagnosis", c.show.diagnosis, "Of a node, or the best one: why it is as fast as it is");
  show_app->add_flag("--prompt", c.show.prompt, "Of a node: the prompt that it was written from, byte for byte");
  show_app->add_flag("--conversation", c.show.conversation, "Of a node: all that was said, and what each call cost");
  add_common(show_app, c.show.common);
  show_app->callback([&c] { c.chosen = [&c] { return show(c.show); }; });

  CLI::App* export_app =
      add_command(app, "export", "Hand a candidate over", "kerf export last --format pytorch --out fast.py");
  export_app->add_option("id", c.exporting.id, "Session (its best node) or SESSION/NODE, abbreviated, or last")
      ->required()
      ->type_name("ID");
  export_app->add_option("--format", c.exporting.format, "What to write")
      ->check(CLI::IsMember({"pytorch", "cpp", "source", "recording"}))
      ->capture_default_str();
  export_app->add_option("--out", c.exporting.out, "File to write (default: standard output)")->type_name("FILE");
  add_common(export_app, c.exporting.common);
  export_app->callback([&c] { c.chosen = [&c] { return export_node(c.exporting); }; });

  CLI::App* problem_app = app->add_subcommand("problem", "Look at problems");
  problem_app->require_subcommand(1);
  CLI::App* problem_show =
      add_command(problem_app, "show", "What was understood: inputs, parameters, graph, bytes, operations, admission",
                  "kerf problem show suite.jsonl#1/19 --set batch_size=16");
  add_problem(problem_show, c.problem.problem, "FILE.py, SUITE.jsonl#LEVEL/ID or FOLDER#LEVEL/ID");
  problem_show->add_flag("--graph", c.problem.graph, "With the traced graph");
  add_common(problem_show, c.problem.common);
  problem_show->callback([&c] { c.chosen = [&c] { return show_problem(c.problem); }; });

  CLI::App* suite_app = app->add_subcommand("suite", "Many problems");
  suite_app->require_subcommand(1);
  CLI::App* suite_run =
      add_command(suite_app, "run", "Optimize every problem of a suite; can be resumed",
                  "kerf suite run suite.jsonl --select '1/*' --sizes sizes.json --budget 16candidates");
  add_problem(suite_run, c.suite_run.problem, "SUITE.jsonl or a folder of problems");
  add_search(suite_run, c.suite_run.search);
  suite_run->add_option("--select", c.suite_run.select, "Globs of LEVEL/ID, separated by commas")->type_name("GLOBS");
  suite_run->add_option("--id", c.suite_run.id, "Name of the run; one that exists is gone on with")->type_name("ID");
  suite_run
      ->add_option(
          "--shard", c.suite_run.shard,
          "Only every PARTS-th problem, from the PART-th on; the run is named ID-PARTofPARTS (kerf suite merge)")
      ->type_name("PART/PARTS");
  suite_run
      ->add_option("--sessions", c.suite_run.sessions,
                   "On GPUs: problems that share one side by side, prepared and compiled for while another is timed")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  suite_run->add_option("--out", c.suite_run.out, "Folder for the results (default ./kerf-out/suite-ID)")
      ->type_name("DIR");
  add_common(suite_run, c.suite_run.common);
  suite_run->callback([&c] { c.chosen = [&c] { return run_suite(c.suite_run); }; });
  const auto add_files = [](CLI::App* command, std::string& html, std::string& markdown) {
    command->add_option("--html", html, "Write it as a page with plots, too")->type_name("FILE");
    command->add_option("--markdown", markdown, "Write it as Markdown, too")->type_name("FILE");
  };
  CLI::App* suite_report =
      add_command(suite_app, "report", "Speedups, fast_p, speed of light, failures and spend of a run",
                  "kerf suite report last --html report.html");
  suite_report->add_option("run", c.suite_report.run, "Name of the run, last, or a suite.json")
      ->required()
      ->type_name("RUN");
  add_files(suite_report, c.suite_report.html, c.suite_report.markdown);
  add_common(suite_report, c.suite_report.common);
  suite_report->callback([&c] { c.chosen = [&c] { return report_suite(c.suite_report); }; });
  CLI::App* suite_merge = add_command(suite_app, "merge", "Join the shards of a run into one",
                                      "kerf suite merge nightly nightly-1of2 other-machine/suite.json");
  suite_merge->add_option("id", c.suite_merge.id, "Name of the run that they make")->required()->type_name("ID");
  suite_merge->add_option("runs", c.suite_merge.runs, "Runs or files (default: the shards of ID)")->type_name("RUN");
  add_common(suite_merge, c.suite_merge.common);
  suite_merge->callback([&c] { c.chosen = [&c] { return merge_suite(c.suite_merge); }; });
  CLI::App* suite_compare = add_command(suite_app, "compare", "What got better, what got worse, and what is noise",
                                        "kerf suite compare monday tuesday --html changes.html");
  suite_compare->add_option("a", c.suite_compare.a, "The run before: a name, last, or a file")
      ->required()
      ->type_name("A");
  suite_compare->add_option("b", c.suite_compare.b, "The run after")->required()->type_name("B");
  add_files(suite_compare, c.suite_compare.html, c.suite_compare.markdown);
  add_common(suite_compare, c.suite_compare.common);
  suite_compare->callback([&c] { c.chosen = [&c] { return compare_suites(c.suite_compare); }; });

  CLI::App* models_app =
      add_command(app, "models", "Which models can be asked, with what keys, and what they cost", "kerf models --json");
  models_app->add_flag("--json", c.models.json, "Print one JSON document to standard output and nothing else there");
  models_app->callback([&c] { c.chosen = [&c] { return list_models(c.models); }; });

  CLI::App* cost_app = add_command(app, "cost", "How well the cost model orders what the store has measured",
                                   "kerf cost --select 'kernelbench/1/*' --within 3");
  cost_app->add_option("stores", c.cost.stores, "Stores to read together (default: the store)")->type_name("STORE");
  cost_app->add_option("--select", c.cost.select, "Problems by id, with * and ?")->type_name("GLOB");
  cost_app->add_option("--within", c.cost.within, "How near to the best is as good, in percent")->capture_default_str();
  cost_app->add_option("--least", c.cost.least, "Leave out problems of which fewer recipes were measured")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  add_common(cost_app, c.cost.common);
  cost_app->callback([&c] { c.chosen = [&c] { return show_cost(c.cost); }; });

  CLI::App* doctor_app =
      add_command(app, "doctor", "What is there, what is missing, what to install for what", "kerf doctor --calibrate");
  doctor_app->add_flag("--calibrate", c.doctor.calibrate,
                       "Measure what this machine can do (half a minute, keep it idle)");
  add_common(doctor_app, c.doctor.common);
  doctor_app->callback([&c] { c.chosen = [&c] { return doctor(c.doctor); }; });

  CLI::App* completion_app = add_command(app, "completion", "Print a completion script",
                                         "kerf completion bash > ~/.local/share/bash-completion/completions/kerf");
  completion_app->add_option("shell", c.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  completion_app->callback([&c] {
    c.chosen = [&c]() -> Result<int> {
      TRY(print(completion_script(*c.app, c.shell)));
      return exit_success;
    };
  });
  return line;
}

}  // namespace kerf
