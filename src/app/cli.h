// The command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "app/commands.h"

namespace kerf {

// Parses, runs, says what went wrong in one line on standard error. The exit code.
[[nodiscard]] int run_command_line(int argc, const char* const* argv);

// The whole tree of commands and options, as help and completion see it. `chosen` is set by parsing.
struct CommandLine {
  std::unique_ptr<CLI::App> app;
  std::function<Result<int>()> chosen;
  OptimizeOptions optimize;
  ResumeOptions resume;
  AskOptions ask;
  TellOptions tell;
  EvaluateOptions evaluate;
  WorkerRunOptions worker_run;
  SessionsOptions sessions;
  ShowOptions show;
  ExportOptions exporting;
  ProblemShowOptions problem;
  SuiteRunOptions suite_run;
  SuiteReportOptions suite_report;
  SuiteMergeOptions suite_merge;
  SuiteCompareOptions suite_compare;
  ModelsOptions models;
  CostOptions cost;
  DoctorOptions doctor;
  std::string shell;
};
[[nodiscard]] std::unique_ptr<CommandLine> make_command_line();

}  // namespace kerf
