#include "synthesize/reply/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "candidate/plan.h"
#include "candidate/plan_text.h"
#include "synthesize/reply/blocks.h"
#include "synthesize/reply/edit.h"
#include "synthesize/reply/lines.h"
#include "synthesize/reply/normal_text.h"

namespace kerf {
namespace {

constexpr std::size_t max_rationale = 300;

// As the errors of plans say it where there is none.
bool has_plan(std::string_view text) { return text.find("/// kerf") != std::string_view::npos; }

bool python(Language language) { return language == Language::triton || language == Language::gluon; }

// As the reply's form is told to models.
std::string block_of(Language language) {
  return fmt::format("(```{} … ```)", python(language) ? "python" : to_string(language));
}

bool blank(std::string_view text) { return without_trailing_space(text).find_first_not_of(" \t\n\r") == text.npos; }

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  if (out.size() > max_rationale) {
    std::size_t end = max_rationale;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;  // no half characters
    out.resize(end);
    out += "…";
  }
  return out;
}

std::string rationale_of(std::string_view prose) {
  std::string_view first;
  for (std::string_view line : split_lines(prose)) {
    line = without_trailing_space(line);
    const std::size_t begin = line.find_first_not_of(" \t*#>-_");
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    std::string head(line.substr(0, 7));
    std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (head == "change:") {
      line.remove_prefix(7);
      line.remove_prefix(std::min(line.find_first_not_of(" *_"), line.size()));
      if (!line.empty()) return one_line(line);
    }
    if (first.empty() && !line.starts_with("<<<<<<<")) first = line;
  }
  return one_line(first);
}

class Reader {
 public:
  Reader(const ModelReply& reply, const ReplyContext& context)
      : reply_(reply), context_(context), markdown_(read_markdown(reply.text)) {}

  ReadReply read() {
    if (reply_.finish == Finish::refusal) {
      return Unusable{ReplyFault::refusal,
                      "you declined; this is numerical code that a sandbox compiles and checks: write the candidate"};
    }
    const bool cut = reply_.finish == Finish::length;
    if (blank(reply_.text)) {
      return Unusable{cut ? ReplyFault::cut_off : ReplyFault::empty,
                      cut ? fmt::format("your reply ended at its limit of {} tokens before it began: reason less",
                                        reply_.usage.tokens_out)
                          : "your reply was empty: write the candidate"};
    }
    if (cut && (std::ranges::any_of(markdown_.blocks, [](const FencedBlock& b) { return !b.closed; }) ||
                markdown_.blocks.empty())) {
      return Unusable{ReplyFault::cut_off,
                      fmt::format("your reply was cut off at its limit of {} tokens before the candidate was complete: "
                                  "reason and explain less{}",
                                  reply_.usage.tokens_out, context_.base != nullptr ? ", or send an edit" : "")};
    }
    const FencedBlock* complete = nullptr;
    for (const FencedBlock& block : markdown_.blocks) {
      if (has_plan(block.text) && !has_search_replace(block.text) && !is_unified_diff(block.text)) complete = &block;
    }
    if (complete != nullptr && !(repeats_base(complete->text) && has_edits())) return written(complete->text, false);
    if (has_edits()) return edited();
    if (markdown_.blocks.empty() && has_plan(reply_.text)) {
      const std::size_t begin = std::min(reply_.text.find_first_not_of(" \t\r\n"), reply_.text.size());
      const std::string_view text = std::string_view(reply_.text).substr(begin);
      if (python(context_.language) ? text.starts_with('#') : text.starts_with("/*") || text.starts_with("//"))
        return written(std::string(text), false);
      return Unusable{ReplyFault::no_candidate,
                      fmt::format("the candidate has to stand in a fenced block {}, so that it can be told from prose",
                                  block_of(context_.language))};
    }
    if (markdown_.blocks.empty())
      return Unusable{ReplyFault::no_candidate,
                      fmt::format("there is no fenced block in your reply: write the whole candidate in one {}",
                                  block_of(context_.language))};
    return Unusable{ReplyFault::no_candidate,
                    fmt::format("none of the {} fenced blocks of your reply has a plan: a candidate holds its plan "
                                "between the lines {}",
                                markdown_.blocks.size(),
                                python(context_.language) ? "'# /// kerf' and '# ///'" : "'/* /// kerf' and '/// */'")};
  }

 private:
  [[nodiscard]] Candidate candidate(std::string text) const {
    return {.text = std::move(text), .language = context_.language, .name = context_.name};
  }
  [[nodiscard]] bool repeats_base(const std::string& text) const {
    return context_.base != nullptr && normal_text(candidate(text)) == normal_text(*context_.base);
  }
  [[nodiscard]] bool has_edits() const {
    return std::ranges::any_of(
               markdown_.blocks,
               [](const FencedBlock& b) { return has_search_replace(b.text) || is_unified_diff(b.text); }) ||
           has_search_replace(markdown_.prose);
  }

  [[nodiscard]] ReadReply edited() const {
    if (context_.base == nullptr)
      return Unusable{ReplyFault::bad_edit, "there is nothing to edit yet: write the whole candidate in one block"};
    std::vector<Replacement> edits;
    const auto bad = [](const Error& error) { return Unusable{ReplyFault::bad_edit, error.message}; };
    const auto add = [&](std::string_view text) -> Result<> {
      for (auto& edit : TRY(has_search_replace(text) ? read_search_replace(text) : read_unified_diff(text)))
        edits.push_back(std::move(edit));
      return {};
    };
    for (const FencedBlock& block : markdown_.blocks) {
      if (!has_search_replace(block.text) && !is_unified_diff(block.text)) continue;
      if (const auto added = add(block.text); !added) return bad(added.error());
    }
    if (has_search_replace(markdown_.prose)) {
      if (const auto added = add(markdown_.prose); !added) return bad(added.error());
    }
    auto text = apply_edits(edits, context_.base->text);
    if (!text) return bad(text.error());
    return written(*std::move(text), true);
  }

  [[nodiscard]] ReadReply written(std::string text, bool edit) const {
    Candidate made = candidate(std::move(text));
    if (context_.base != nullptr && repeats_base(made.text)) {
      return Unusable{ReplyFault::repetition,
                      edit ? "after your edit the candidate is what it was, but for comments and layout: change it"
                           : "that is the candidate you were to go on from, but for comments and layout: change it"};
    }
    if (const auto fault = lint_fault(made)) {
      return Unusable{
          .fault = ReplyFault::bad_plan, .message = fault->message, .at = fault->at, .candidate = std::move(made)};
    }
    if (context_.known) {
      if (const auto what = context_.known(made))
        return Unusable{ReplyFault::repetition, fmt::format("that candidate is known already: {}", *what)};
    }
    return Written{std::move(made), rationale_of(markdown_.prose), edit};
  }

  // What the evaluation would begin with, on the primary workload.
  [[nodiscard]] std::optional<Error> lint_fault(const Candidate& made) const {
    const auto source = read_source(made);
    if (!source) return source.error();
    if (context_.problem == nullptr || context_.problem->workloads.empty()) return std::nullopt;
    const Workload& workload = context_.problem->workloads.front();
    const auto supported = supports(*source, workload);
    if (!supported) return supported.error();
    if (!*supported) return not_supported(*source, workload);
    const auto points = tune_points(*source);
    if (!points) return points.error();
    for (const TunePoint& point : *points) {
      if (const auto linted = lint(*source, workload, point, context_.threads); !linted) return linted.error();
    }
    return std::nullopt;
  }

  const ModelReply& reply_;
  const ReplyContext& context_;
  Markdown markdown_;
};

}  // namespace

const char* to_string(ReplyFault fault) {
  switch (fault) {
    case ReplyFault::empty:
      return "empty";
    case ReplyFault::no_candidate:
      return "no_candidate";
    case ReplyFault::bad_edit:
      return "bad_edit";
    case ReplyFault::bad_plan:
      return "bad_plan";
    case ReplyFault::cut_off:
      return "cut_off";
    case ReplyFault::refusal:
      return "refusal";
    case ReplyFault::repetition:
      return "repetition";
  }
  return "?";
}

ReadReply read_reply(const ModelReply& reply, const ReplyContext& context) { return Reader(reply, context).read(); }

}  // namespace kerf
