// Golden transcripts: tests/cases/search/*.txt. The lines that begin with a word are commands, the indented ones what
// came of them. KERF_UPDATE=1 writes what comes of them now; read the difference before committing it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "search/landscape.h"
#include "search/tree_search.h"

namespace kerf {
namespace {

std::string line(const Expansion& e) {
  std::string parents;
  for (const NodeIndex parent : e.parents) parents += fmt::format(" {}", parent);
  return fmt::format("  {} {} {} {:.3f} [{}] {:016x} | {}\n", e.id, to_string(e.task), to_string(e.memory),
                     e.propensity, parents.empty() ? "" : parents.substr(1), e.seed, e.reason);
}

std::string run(std::istream& script) {
  std::string out;
  SearchOptions options;
  std::unique_ptr<Search> search;
  std::string text;
  while (std::getline(script, text)) {
    if (text.starts_with("  ")) continue;
    out += text + "\n";
    std::istringstream words(text);
    std::string command;
    words >> command;
    if (command.empty() || command[0] == '#') continue;
    if (command == "policy") {
      words >> options.policy >> options.seed;
      search = *make_search(options);
    } else if (command == "ask") {
      int n = 0;
      words >> n;
      for (const Expansion& e : search->ask(n)) out += line(e);
    } else if (command == "tell") {
      ExpansionId id = 0;
      std::string kind;
      Outcome outcome;
      words >> id >> kind >> outcome.reward.mean >> outcome.reward.standard_error;
      outcome.kind = kind == "measured" ? Outcome::Kind::measured
                     : kind == "failed" ? Outcome::Kind::failed
                                        : Outcome::Kind::nothing;
      const auto node = search->tell(id, outcome);
      out += !node ? "  error: " + node.error().message + "\n" : *node ? fmt::format("  node {}\n", **node) : "  -\n";
    } else if (command == "cancel") {
      ExpansionId id = 0;
      words >> id;
      search->cancel(id);
    } else if (command == "best") {
      out += fmt::format("  {}\n", search->best().value_or(no_node));
    } else if (command == "simulate") {  // candidates, in flight: in a Landscape of the same seed
      int candidates = 0, in_flight = 0;
      words >> candidates >> in_flight;
      Landscape world(options.seed, {});
      std::vector<Expansion> queue;
      for (int i = 0; i < candidates; ++i) {
        for (Expansion& e : search->ask(in_flight - static_cast<int>(queue.size()))) {
          out += line(e);
          queue.push_back(std::move(e));
        }
        if (queue.empty()) break;
        const auto next = queue.begin() + i % static_cast<int>(queue.size());
        const Expansion e = *next;
        queue.erase(next);
        const auto node = search->tell(e.id, world.carry_out(e));
        if (*node) world.told(**node);
      }
    } else {
      ADD_FAILURE() << "no command is called " << command;
    }
  }
  return out;
}

TEST(Transcript, EveryRecordedSearchGoesTheSameWayAgain) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(KERF_CASES "/search")) {
    if (entry.path().extension() != ".txt") continue;
    ++files;
    std::ifstream file(entry.path());
    std::stringstream expected;
    expected << file.rdbuf();
    std::istringstream script(expected.str());
    const std::string got = run(script);
    if (std::getenv("KERF_UPDATE") != nullptr) {
      std::ofstream(entry.path()) << got;
    } else {
      EXPECT_EQ(got, expected.str()) << entry.path();
    }
  }
  EXPECT_GE(files, 4);
}

}  // namespace
}  // namespace kerf
