// kerf suite report, kerf suite merge and kerf suite compare.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/suite_files.h"
#include "app/suite_json.h"
#include "app/suite_text.h"
#include "base/paths.h"

namespace kerf {

namespace {

Result<int> show_document(const Document& document, const nlohmann::json& json, bool as_json, const std::string& html,
                          const std::string& markdown) {
  if (!html.empty()) TRY(write_file(html, to_html(document)));
  if (!markdown.empty()) TRY(write_file(markdown, to_markdown(document)));
  TRY(print(as_json ? document_text(json) : to_text(document)));
  return exit_success;
}

}  // namespace

Result<int> report_suite(const SuiteReportOptions& options) {
  const SuiteRun run = TRY(find_run(options.common.store, options.run));
  return show_document(suite_document(run), suite_json(run), options.common.json, options.html, options.markdown);
}

Result<int> merge_suite(const SuiteMergeOptions& options) {
  const auto file = TRY(suite_file(options.common.store, options.id));
  std::error_code code;
  if (std::filesystem::exists(file, code))
    return user_error(fmt::format("there is a suite run {} already: give another name", options.id));
  std::vector<std::string> names = options.runs;
  if (names.empty()) names = TRY(shards_of(options.common.store, options.id));
  if (names.empty()) return user_error(fmt::format("there is no shard of {}: name the runs to merge", options.id));
  std::vector<SuiteRun> parts;
  std::set<int> there;
  int of = 1;
  for (const std::string& name : names) {
    parts.push_back(TRY(find_run(options.common.store, name)));
    there.insert(parts.back().shard.part);
    of = std::max(of, parts.back().shard.of);
  }
  const SuiteRun run = TRY(merge(options.id, parts));
  for (int part = 1; of > 1 && part <= of; ++part) {
    if (!there.contains(part)) print_error(fmt::format("shard {}/{} is not among them\n", part, of));
  }
  TRY(write_file(file, document_text(to_json(run))));
  return show_document(suite_document(run), suite_json(run), options.common.json, {}, {});
}

Result<int> compare_suites(const SuiteCompareOptions& options) {
  const SuiteRun a = TRY(find_run(options.common.store, options.a));
  const SuiteRun b = TRY(find_run(options.common.store, options.b));
  const SuiteDifference found = TRY(difference(a, b));
  return show_document(difference_document(found), difference_json(found), options.common.json, options.html,
                       options.markdown);
}

}  // namespace kerf
