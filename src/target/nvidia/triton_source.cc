#include "target/nvidia/triton_source.h"

#include <algorithm>
#include <iterator>

namespace kerf {

Result<> TritonSource::load() {
  loaded_ = TRY(compiler_.load(text_));
  kernels_ = loaded_->kernels();
  return {};
}

Result<std::map<std::string, TritonKernel>> TritonSource::kernels() {
  const std::scoped_lock lock(mutex_);
  if (kernels_.empty() && !loaded_) TRY(load());
  return kernels_;
}

Result<std::vector<TritonOutput>> TritonSource::compile(std::span<const TritonJob> jobs, int architecture) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> keys;
  std::vector<std::string> missing_keys;
  std::vector<TritonJob> missing;
  for (const TritonJob& job : jobs) {
    keys.push_back(std::to_string(architecture) + " " + to_json(job).dump());
    if (outputs_.contains(keys.back()) || std::ranges::find(missing_keys, keys.back()) != missing_keys.end()) continue;
    missing_keys.push_back(keys.back());
    missing.push_back(job);
  }
  if (!missing.empty()) {
    if (!loaded_) TRY(load());
    const std::unique_ptr<LoadedTriton> loaded = std::move(loaded_);
    std::vector<TritonOutput> made = TRY(compiler_.compile(text_, *loaded, missing, architecture));
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i].ttgir.clear();
      outputs_.insert_or_assign(missing_keys[i], std::move(made[i]));
    }
  }
  std::vector<TritonOutput> outputs;
  std::ranges::transform(keys, std::back_inserter(outputs), [&](const std::string& key) { return outputs_.at(key); });
  return outputs;
}

std::shared_ptr<TritonSource> TritonSources::of(const std::string& text) {
  constexpr std::size_t most = 8;  // candidates that are compiled at a time, and then some
  const std::scoped_lock lock(mutex_);
  auto found = std::ranges::find(last_, text, &std::pair<std::string, std::shared_ptr<TritonSource>>::first);
  std::shared_ptr<TritonSource> source =
      found == last_.end() ? std::make_shared<TritonSource>(compiler_, text) : found->second;
  if (found != last_.end()) last_.erase(found);
  last_.emplace_front(text, source);
  if (last_.size() > most) last_.pop_back();
  return source;
}

}  // namespace kerf
