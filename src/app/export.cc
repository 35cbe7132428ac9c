// kerf export: a candidate as a file that needs no kerf.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/exporting.h"
#include "app/report.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "session/confirm.h"
#include "session/recording.h"

namespace kerf {

namespace {

// The whole session: what `--synthesizer replay:FILE` goes through again.
Result<int> export_recording(const ExportOptions& options) {
  const auto wiring = TRY(Wiring::open_to_read(options.common.store));
  const Found found = TRY(wiring->store().find(options.id));
  const Recording recording = TRY(record_session(wiring->store(), found.session));
  const std::string text = to_text(recording);
  if (options.out.empty()) {
    TRY(print(text));
    return exit_success;
  }
  TRY(write_file(options.out, text));
  if (options.common.json) {
    TRY(print(nlohmann::json{{"schema", 1},
                             {"session", found.session},
                             {"format", "recording"},
                             {"tree", recording.tree},
                             {"files", {options.out}}}
                  .dump(2) +
              "\n"));
  } else {
    print_error(
        fmt::format("wrote {} (session {}, {} exchanges)\n", options.out, found.session, recording.exchanges.size()));
  }
  return exit_success;
}

// The session found nothing that is surely as good as the problem's own file.
Result<int> export_reference(const ExportOptions& options, Store& store, const SessionRecord& record,
                             ExportFormat format, std::optional<NodeIndex> closest) {
  const std::string nothing =
      fmt::format("session {} found nothing that is surely faster than the reference", record.id);
  if (format != ExportFormat::pytorch) {
    return user_error(fmt::format(
        "{}, and the plan of its own operators is not right: --format pytorch hands over the "
        "reference itself{}",
        nothing, closest ? fmt::format(", kerf export {} the closest candidate", node_name(record.id, *closest)) : ""));
  }
  const TaskRecord task = TRY(store.task(record.task));
  const std::string text = reference_module(task.problem);
  if (!options.out.empty()) TRY(write_file(options.out, text));
  if (options.common.json) {
    nlohmann::json json = {
        {"schema", 1}, {"session", record.id}, {"format", options.format}, {"handed_over", "reference"}};
    if (options.out.empty())
      json["text"] = text;
    else
      json["files"] = {options.out};
    TRY(print(json.dump(2) + "\n"));
    return exit_success;
  }
  if (options.out.empty()) TRY(print(text));
  print_error(fmt::format("{}{}: this is the reference itself\n",
                          options.out.empty() ? "" : fmt::format("wrote {}: ", options.out), nothing));
  return exit_success;
}

}  // namespace

Result<int> export_node(const ExportOptions& options) {
  if (options.format == "recording") return export_recording(options);
  const auto format = export_format_from(options.format);
  if (!format)
    return user_error(fmt::format("--format {}: pytorch, cpp, source or recording was expected", options.format));
  const auto wiring = TRY(Wiring::open_to_read(options.common.store));
  Store& store = wiring->store();
  const Found found = TRY(store.find(options.id));
  const SessionRecord record = TRY(store.session(found.session));
  const SessionNodes nodes = TRY(load_nodes(store, found.session));
  std::optional<NodeIndex> index = found.node;
  if (!index) {
    const HandOver handed = hand_over(nodes);
    if (handed.reference) return export_reference(options, store, record, *format, handed.node);
    index = handed.node;
  }
  if (!index)
    return user_error(fmt::format("session {} has no candidate that is right: there is nothing to export", record.id));
  if (*index < 0 || static_cast<std::size_t>(*index) >= nodes.size()) {
    return user_error(fmt::format("session {} has {}, no node {}", record.id,
                                  count_words(static_cast<std::int64_t>(nodes.size()), "node"), *index));
  }
  const SessionNode& node = nodes[static_cast<std::size_t>(*index)];
  if (!node.has_candidate()) return user_error(fmt::format("node {} has no candidate", *index));
  if (!node.measured() && *format != ExportFormat::source) {
    return user_error(
        fmt::format("node {} is not right ({}): --format source shows it", *index, verdict_words(node.best_known())));
  }
  const TaskRecord task = TRY(store.task(record.task));
  const Workload workload = TRY(kept_workload(record));
  const std::string text = TRY(exported(*format, record.id, node, task.problem, workload));
  if (options.out.empty() && options.common.json) {
    TRY(print(nlohmann::json{
                  {"schema", 1}, {"node", node_name(record.id, *index)}, {"format", options.format}, {"text", text}}
                  .dump(2) +
              "\n"));
  } else if (options.out.empty()) {
    TRY(print(text));
  } else {
    TRY(write_file(options.out, text));
    if (options.common.json) {
      TRY(print(nlohmann::json{{"schema", 1},
                               {"node", node_name(record.id, *index)},
                               {"format", options.format},
                               {"files", {options.out}}}
                    .dump(2) +
                "\n"));
    } else {
      print_error(fmt::format("wrote {} (node {}, {})\n", options.out, node_name(record.id, *index),
                              verdict_words(node.best_known())));
    }
  }
  return exit_success;
}

}  // namespace kerf
