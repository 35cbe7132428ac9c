#include "synthesize/prompt/composer.h"

#include <fmt/format.h>

#include <limits>
#include <map>

#include "base/paths.h"
#include "candidate/extension.h"

namespace kerf {
namespace {

// What is written for people who read the page is left out: comments that only tests look at.
std::string without_comments(std::string text) {
  for (std::size_t begin = text.find("<!--"); begin != std::string::npos; begin = text.find("<!--", begin)) {
    const std::size_t end = text.find("-->", begin);
    if (end == std::string::npos) break;
    const std::size_t behind = end + 3 < text.size() && text[end + 3] == '\n' ? end + 4 : end + 3;
    text.erase(begin, behind - begin);
  }
  return text;
}

struct Section {
  std::shared_ptr<const PromptPart> part;
  int step = 0, steps = 0;
  std::string text;
  std::int64_t tokens = 0;
  void write(const SynthesisRequest& request) {
    text = part->write(request, step);
    tokens = estimate_tokens(text);
  }
};

std::vector<Section> sections_of(const PromptTexts& texts, const PromptOptions& options) {
  std::vector<Section> sections;
  const auto add = [&](std::unique_ptr<PromptPart> part) { sections.push_back({.part = std::move(part), .text = {}}); };
  const auto add_knowledge = [&](PromptPlace place) {
    for (const auto& part : options.knowledge)
      if (part->place() == place) sections.push_back({.part = part, .text = {}});
  };
  add(make_rules_part(texts));
  add(make_contract_part(texts));
  add(make_example_part(texts));
  add_knowledge(PromptPlace::kerf);
  add(make_target_part());
  add(make_problem_part());
  add_knowledge(PromptPlace::session);
  add(make_ancestors_part());
  add(make_siblings_part());
  add(make_branch_part());
  add_knowledge(PromptPlace::call);
  add(make_parent_part());
  add(make_note_part());
  add(make_ask_part());
  return sections;
}

bool has_texts(Language language) {
  return language == Language::cpp || language == Language::cuda || language == Language::triton ||
         language == Language::gluon;
}

// The page without the sections that are about sources in other languages.
std::string contract_of(Language language, std::string page) {
  static const std::map<Language, std::string> headings = {{Language::cpp, "## The source\n"},
                                                           {Language::cuda, "## The source in CUDA\n"},
                                                           {Language::triton, "## The source in Triton\n"},
                                                           {Language::gluon, "## The source in Gluon\n"}};
  for (const auto& [other, heading] : headings) {
    // Gluon's section goes by Triton's.
    if (other == language || (other == Language::triton && language == Language::gluon)) continue;
    const std::size_t begin = page.find("\n" + heading);
    if (begin == std::string::npos) continue;
    const std::size_t end = page.find("\n## ", begin + 1);
    page.erase(begin, end == std::string::npos ? end : end - begin);
  }
  if (language == Language::cpp) return page;
  return fmt::format(
      "Your candidates are in the language {}. The examples of plans below have kernels in cpp; what {} has "
      "instead of them stands under \"{}\".\n\n{}",
      to_string(language), to_string(language), headings.at(language).substr(3, headings.at(language).size() - 4),
      page);
}

}  // namespace

Result<PromptTexts> load_prompt_texts(const std::string& language) {
  const auto known = language_from(language);
  if (!known || !has_texts(*known))
    return user_error(
        fmt::format("models can be told of the languages cpp, cuda, triton and gluon, not of '{}'", language));
  PromptTexts texts{.language = language, .contract = {}, .example_problem = {}, .example_candidate = {}};
  const auto contract = TRY(shipped("docs/candidates.md"));
  texts.contract = contract_of(*known, without_comments(TRY(read_file(contract))));
  const auto examples = TRY(shipped("src/synthesize/prompt/texts"));
  texts.example_problem = TRY(read_file(examples / "problem.py"));
  texts.example_candidate = TRY(read_file(examples / language / (std::string("example") + extension(*known))));
  return texts;
}

std::string Prompt::text() const { return prompt_text(system, {message}); }

std::string prompt_text(const std::vector<Part>& system, const std::vector<Message>& messages) {
  std::string out;
  const auto add = [&](std::string_view who, const std::vector<Part>& parts) {
    out += fmt::format("{}======== {}\n", out.empty() ? "" : "\n", who);
    for (const Part& part : parts) out += part.text;
    if (!out.ends_with('\n')) out += '\n';
  };
  add("system", system);
  for (const Message& message : messages) add(message.role == Speaker::user ? "user" : "assistant", message.parts);
  return out;
}

Prompt compose(const SynthesisRequest& request, const PromptTexts& texts, const PromptOptions& options) {
  std::vector<Section> sections = sections_of(texts, options);
  std::int64_t total = 0;
  for (Section& section : sections) {
    section.steps = section.part->steps(request);
    section.write(request);
    total += section.tokens;
  }
  while (total > options.tokens) {
    Section* next = nullptr;  // the least important that can still be shortened; of equals the first
    for (Section& section : sections) {
      if (section.step < section.steps && (next == nullptr || section.part->priority() < next->part->priority()))
        next = &section;
    }
    if (next == nullptr) break;
    total -= next->tokens;
    ++next->step;
    next->write(request);
    total += next->tokens;
  }
  Prompt prompt;
  prompt.tokens = total;
  Part* last_of_session = nullptr;
  prompt.message.parts.reserve(sections.size());
  for (Section& section : sections) {
    if (section.step > 0)
      prompt.shortened.push_back({std::string(section.part->name()), section.part->missing(request, section.step)});
    if (section.text.empty()) continue;
    const bool system = section.part->place() == PromptPlace::kerf;
    std::vector<Part>& parts = system ? prompt.system : prompt.message.parts;
    // A blank line between sections, in front of the later one: what was cached does not change with what follows.
    parts.push_back({.text = (parts.empty() ? "" : "\n") + std::move(section.text)});
    if (section.part->place() == PromptPlace::session) last_of_session = &parts.back();
  }
  if (!prompt.system.empty()) prompt.system.back().cache = true;
  if (last_of_session != nullptr) last_of_session->cache = true;
  return prompt;
}

}  // namespace kerf
