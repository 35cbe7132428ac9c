// The languages of a target: for each, who compiles its candidates and who runs them. They are made at first use, so
// that a compiler that this machine lacks is missed by those only who need it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "candidate/candidate.h"
#include "evaluate/runner.h"
#include "target/language.h"

namespace kerf {

struct LanguageTools {
  std::shared_ptr<LanguageBackend> backend;
  std::shared_ptr<Runner> runner;  // languages may share one
};

class Languages {
 public:
  // Fails with kind unavailable where this machine cannot: it is asked again by the next who needs the language.
  using Make = std::function<Result<LanguageTools>()>;

  void add(Language language, Make make);  // before the first find()
  void add(Language language, LanguageTools tools);
  [[nodiscard]] bool has(Language language) const { return entries_.contains(language); }
  [[nodiscard]] std::string names() const;  // "cuda, triton", for messages
  // Makes the tools if they are not there yet. May block (a compiler's process starts); safe to call from several
  // threads.
  [[nodiscard]] Result<LanguageTools> find(Language language);

 private:
  struct Entry {
    Make make;
    std::mutex mutex;
    std::optional<LanguageTools> tools;
  };
  std::map<Language, Entry> entries_;
};

}  // namespace kerf
