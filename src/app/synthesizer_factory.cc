#include "app/synthesizer_factory.h"

#include <fmt/format.h>

#include "synthesize/builtin/builtin.h"
#include "synthesize/model/replay.h"
#include "synthesize/model_synthesizer.h"

namespace kerf {

bool takes_prompts(std::string_view name) { return name == "ask" || is_model_name(name); }

Result<std::unique_ptr<Model>> SynthesizerFactory::model(const std::string& name) const {
  if (sources.recording) {
    std::vector<Exchange> own;
    for (const Exchange& e : sources.recording->exchanges) {
      if (e.model == name) own.push_back(e);
    }
    return std::make_unique<ReplayModel>(own.empty() ? sources.recording->exchanges : own, name, note);
  }
  if (sources.answer) return std::make_unique<OutsideModel>(name, sources.answer);
  if (name == "ask") {
    return user_error("a session with --synthesizer ask goes on by kerf ask and kerf tell");
  }
  ModelOptions model_options;
  model_options.base_url = options.base_url;
  if (!options.batch.empty()) model_options.batch_folder = batches / options.batch;
  auto made = TRY(make_model(name, parts, model_options));
  asked.push_back(made.get());
  return made;
}

Result<std::unique_ptr<Synthesizer>> SynthesizerFactory::synthesizer(const std::string& name) const {
  if (name == "builtin") {
    if (options.costs.is_null()) return make_builtin_synthesizer();
    // Of another version: it goes on by the names of moves.
    auto costs = Correction::from_json(options.costs);
    return make_builtin_synthesizer(costs ? std::optional(*std::move(costs)) : std::nullopt);
  }
  if (name == "random") return make_random_synthesizer();
  if (!takes_prompts(name)) {
    std::string forms;
    for (const ProviderInfo& provider : model_providers()) forms += provider.form + ", ";
    return user_error(
        fmt::format("--synthesizer {}: there are {}replay:SESSION, replay:FILE, ask, random and builtin", name, forms));
  }
  auto recording = std::make_unique<RecordingModel>(TRY(model(name)), exchanges, note);
  ModelSynthesizerOptions choices;
  choices.settings.max_tokens = options.max_tokens;
  choices.settings.effort = options.effort;
  return make_model_synthesizer(std::move(recording), TRY(load_prompt_texts(options.language)), std::move(choices));
}

}  // namespace kerf
