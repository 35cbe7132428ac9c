#include "synthesize/builtin/builtin.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/random.h"
#include "candidate/extension.h"
#include "synthesize/builtin/cost/experience.h"
#include "synthesize/builtin/cost/guide.h"
#include "synthesize/builtin/cost/recipe_cost.h"
#include "synthesize/builtin/emit/emit.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/builtin/policy.h"
#include "synthesize/builtin/recurrent.h"
#include "synthesize/identity.h"

namespace kerf {
namespace {

// Networks of more convolutions than these gain less by another layout than copies between them cost. On GPUs kernels
// between them run through what lies alike: there it does not matter how many there are where few kernels only copy
// and most have the layout.
constexpr std::ptrdiff_t few_convolutions(Language language) { return language == Language::cpp ? 4 : 16; }

// Whether at most every eighth convolution of the library is left as it is, as grouped ones are: beside these results
// are turned round and back. Those in the layout give their results by places.
bool most_have_layout(const GeneralGraph& graph) {
  std::set<std::string> by_places;
  for (const GeneralNode& node : graph.nodes)
    if (node.base() == "movedim")
      for (const TensorRef& ref : references(node)) by_places.insert(ref.name);
  std::ptrdiff_t all = 0, left = 0;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const GeneralNode& node = graph.nodes[n];
    if (!node.base().starts_with("conv") || (lowers(graph, node) && !is_product(graph, n))) continue;
    ++all;
    if (!by_places.contains(node.name)) ++left;
  }
  return left * 8 <= all;
}

// Kernels that only copy from one layout to another.
std::ptrdiff_t copies_alone(const GeneralGraph& graph, const Partition& partition) {
  const auto lays_out = [&](std::size_t n) {
    const GeneralNode& node = graph.nodes[n];
    return node.base() == "clone" || node.base() == "permute_copy" || is_trivial(node);
  };
  return std::ranges::count_if(partition.groups,
                               [&](const NodeSet& group) { return std::ranges::all_of(group, lays_out); });
}

enum class Choosing : std::uint8_t { by_belief, at_random };
constexpr std::uint64_t longest_walk = 6;  // moves, at random

class Builtin final : public Synthesizer {
 public:
  Builtin(Choosing choosing, std::optional<Correction> costs) : choosing_(choosing), costs_(std::move(costs)) {}

  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    const Ticket ticket = ++tickets_;
    reply(answer(request));
    return ticket;
  }
  void cancel(Ticket) override {}  // replies come from within propose: there is nothing to take back
  void learn(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) override {
    if (choosing_ == Choosing::at_random) return;
    learn_cost(request, proposal, evaluation);
    if (request.ancestors.empty() || proposal.move.empty()) return;
    const Recalled& parent = request.ancestors.front();
    if (evaluation.verdict == Verdict::measured && evaluation.receipt && !evaluation.receipt->timed()) return;
    double gain = -0.5;
    if (evaluation.verdict == Verdict::measured && evaluation.receipt && !evaluation.receipt->quarantined) {
      const auto it = evaluation.receipt->speedup.find("eager");
      if (it != evaluation.receipt->speedup.end() && it->second.value > 0)
        gain = std::log(it->second.value) - parent.log_speedup;
    }
    policy_.learn(parent.evaluation.diagnosis.bound, proposal.move, std::clamp(gain, -1.0, 1.0));
  }
  [[nodiscard]] std::string name() const override { return choosing_ == Choosing::at_random ? "random" : "builtin"; }

 private:
  // What a graph's first candidates are made by.
  struct Start {
    Fusing fusing;
    Products products;
    const char* what;
  };
  static constexpr std::array starts = {Start{Fusing::full, Products::attention, "fused, with attention of its own"},
                                        Start{Fusing::full, Products::library, "fused"},
                                        Start{Fusing::full, Products::matrices, "fused, with products of its own"},
                                        Start{Fusing::full, Products::own, "fused, with convolutions of its own"},
                                        Start{Fusing::none, Products::library, "one kernel an operator"}};
  // A problem's graphs, generalised once.
  struct Known {
    std::map<GraphForm, GeneralGraph> graphs;
    std::vector<Proposal> sketches;  // where fresh starts come from, the most promising first
    std::optional<Guide> guide;      // none: moves are told apart by their names alone
  };

  Known& known(const SynthesisRequest& request, const CacheFacts& machine) {
    const std::string key = fmt::format("{}/{}/{}", request.problem->problem.id, request.problem->problem.digest(),
                                        to_string(request.language));
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
    Known made;
    if (costs_) made.guide.emplace(*costs_);
    std::vector<std::pair<std::pair<bool, int>, Proposal>> ranked;
    std::map<std::string, std::size_t> fewest_calls;
    for (const GraphForm form :
         {GraphForm::channels_last, GraphForm::places_inside, GraphForm::exported, GraphForm::core}) {
      std::optional<FormedGraph> formed = graph_in(*request.problem, form, request.language);
      if (!formed) continue;
      const bool is_rewritten = formed->rewritten;
      const GeneralGraph& graph = made.graphs.emplace(form, std::move(formed->graph)).first->second;
      const bool laid_out = form == GraphForm::channels_last || form == GraphForm::places_inside;
      const auto convolutions =
          std::ranges::count_if(graph.nodes, [](const GeneralNode& n) { return n.base().starts_with("conv"); });
      std::vector<Partition> tried;
      for (const Start& start : starts) {
        if (laid_out && start.fusing == Fusing::none) continue;
        // Convolutions of our own read what was laid out for them, and the library's what was laid out for it.
        if (laid_out && (start.products == Products::own) != (form == GraphForm::places_inside)) continue;
        const bool own = start.products != Products::library;
        if (own && !generates_products(request.language)) continue;
        Partition p = partition(graph, start.fusing, start.products, request.language);
        if (start.products == Products::attention && !has_attention(graph, p)) continue;
        // Calls alone are worth a candidate where they are others than the identity plan's.
        const bool rewritten = start.fusing == Fusing::full && is_rewritten;
        if ((p.groups.empty() && !rewritten) || std::ranges::find(tried, p) != tried.end()) continue;
        tried.push_back(p);
        const std::size_t groups = p.groups.size();
        Result<Recipe> recipe = fitting(request, graph, form, std::move(p), machine);
        if (!recipe) continue;
        const std::size_t calls = library_calls(graph, recipe->partition);
        Proposal proposal = write_proposal(
            request, graph, *recipe, own ? "product" : "fuse",
            fmt::format("{}, from the {} graph, {} operators left to the library", start.what, to_string(form), calls));
        if (proposal.candidate.text.empty()) continue;
        // Fully fused first; of the two graphs the one that leaves less to the library, in the layout that costs it
        // less.
        const std::ptrdiff_t few = few_convolutions(request.language);
        const bool alike = copies_alone(graph, recipe->partition) <= few;
        // What a long text leaves to the library would copy there.
        const bool fits = 4 * recipe->partition.groups.size() >= 3 * groups;
        const bool in_cpp = request.language == Language::cpp;
        int graphs_rank = convolutions <= few ? 0 : !alike ? 5 : in_cpp ? 3 : fits && most_have_layout(graph) ? 0 : 5;
        if (!laid_out) {
          const auto [fewest, is_first] = fewest_calls.try_emplace(start.what, calls);
          graphs_rank = is_first ? 2 : calls < fewest->second ? 1 : 4;
        }
        ranked.emplace_back(std::pair(start.fusing == Fusing::none, graphs_rank), std::move(proposal));
      }
    }
    std::ranges::stable_sort(ranked, {}, [](const auto& each) { return each.first; });
    for (auto& [rank, proposal] : ranked) made.sketches.push_back(std::move(proposal));
    return known_.emplace(key, std::move(made)).first->second;
  }

  // Default schedules; where the text would be longer than candidates may be, the groups that move least memory are
  // left to the library.
  static Result<Recipe> fitting(const SynthesisRequest& request, const GeneralGraph& graph, GraphForm form,
                                Partition partition, const CacheFacts& machine) {
    while (true) {
      Recipe recipe = TRY(make_recipe(graph, form, partition, machine));
      Result<Candidate> written = write_candidate(*request.problem, graph, recipe, {});
      if (written) return recipe;
      if (partition.groups.size() < 2) return std::unexpected(std::move(written).error());
      std::vector<std::pair<std::int64_t, NodeSet>> ranked;
      for (const NodeSet& group : partition.groups) ranked.emplace_back(bytes_moved(TRY(lower(graph, group))), group);
      std::ranges::stable_sort(ranked, std::greater{}, [](const auto& each) { return each.first; });
      ranked.resize(ranked.size() - (ranked.size() + 7) / 8);
      std::erase_if(partition.groups, [&](const NodeSet& group) {
        return std::ranges::none_of(ranked, [&](const auto& each) { return each.second == group; });
      });
    }
  }

  static Proposal write_proposal(const SynthesisRequest& request, const GeneralGraph& graph, const Recipe& recipe,
                                 const std::string& move, const std::string& rationale) {
    Proposal proposal;
    Result<Candidate> candidate = write_candidate(*request.problem, graph, recipe, {rationale});
    if (!candidate) return proposal;
    proposal.candidate = std::move(*candidate);
    proposal.candidate.name = move + extension(recipe.language);
    proposal.recipe = to_json(recipe, graph);
    proposal.move = move;
    proposal.rationale = rationale;
    return proposal;
  }

  // What is written but for the words about it.
  static std::string code_of(const SynthesisRequest& request, const GeneralGraph& graph, const Recipe& recipe) {
    const Result<Candidate> candidate = write_candidate(*request.problem, graph, recipe, {});
    return candidate ? candidate->text : "";
  }

  static bool is_new(const SynthesisRequest& request, const Proposal& proposal) {
    return !proposal.candidate.text.empty() &&
           std::ranges::find(request.tried, proposal.candidate.id()) == request.tried.end();
  }

  Result<std::optional<Proposal>> answer(const SynthesisRequest& request) {
    if (!request.problem || request.problem->workloads.empty())
      return fail(ErrorKind::internal, "the built-in synthesizer was asked without a problem");
    if (!has_emitter(request.language))
      return fail(ErrorKind::unavailable,
                  fmt::format("unavailable: the built-in synthesizer writes no {}; this version "
                              "has cpp, cuda and triton",
                              to_string(request.language)));
    const CacheFacts machine = machine_facts(request.target, request.language);
    Known& k = known(request, machine);
    if (choosing_ == Choosing::at_random) return drawn(request, k, machine);
    // Nothing of ours to go on from (the identity plan has no recipe), or a fresh start was asked for: a sketch.
    const Recalled* base = nullptr;
    for (const Recalled& ancestor : request.ancestors)
      if (ancestor.recipe.is_object() && ancestor.recipe.contains("groups")) {
        base = &ancestor;
        break;
      }
    if (!base || request.memory == MemoryOperator::fresh)
      for (const Proposal& sketch : k.sketches)
        if (is_new(request, sketch)) return sketch;
    if (base) {
      if (auto made = from(request, *base, k, machine)) return made;
    }
    for (const Proposal& sketch : k.sketches)
      if (is_new(request, sketch)) return sketch;
    // The sketches were all tried: go on from one of them.
    for (const Proposal& sketch : k.sketches) {
      Recalled recalled;
      recalled.recipe = sketch.recipe;
      if (auto made = from(request, recalled, k, machine)) return made;
    }
    return std::optional<Proposal>();
  }

  // A walk of up to six moves from any sketch. Kinds of moves are equally likely, so that the kinds of which there are
  // many do not crowd out the others.
  static std::optional<Proposal> drawn(const SynthesisRequest& request, const Known& k, const CacheFacts& machine) {
    constexpr int tries = 64;  // until what is drawn was not drawn before
    Random random(request.seed);
    for (int i = 0; i < tries && !k.sketches.empty(); ++i) {
      const nlohmann::json& start = k.sketches[random.below(k.sketches.size())].recipe;
      const GeneralGraph& graph = k.graphs.at(form_of(start));
      Result<Recipe> recipe = recipe_from_json(start, graph);
      if (!recipe) continue;
      std::string walked;
      for (std::uint64_t left = random.below(longest_walk + 1); left > 0; --left) {
        std::map<std::string, std::vector<const Move*>> kinds;
        std::vector<Move> all = moves(graph, *recipe, machine);
        for (const Move& move : all) kinds[move.name].push_back(&move);
        if (kinds.empty()) break;
        const auto kind = std::next(kinds.begin(), static_cast<std::ptrdiff_t>(random.below(kinds.size())));
        *recipe = kind->second[random.below(kind->second.size())]->result;
        walked += (walked.empty() ? "" : ", ") + kind->first;
      }
      Proposal proposal = write_proposal(request, graph, *recipe, "random",
                                         walked.empty() ? "a sketch" : fmt::format("a sketch, then {}", walked));
      if (is_new(request, proposal)) return proposal;
    }
    return std::nullopt;
  }

  std::optional<Proposal> from(const SynthesisRequest& request, const Recalled& base, Known& k,
                               const CacheFacts& machine) {
    const auto graph = k.graphs.find(form_of(base.recipe));
    if (graph == k.graphs.end()) return std::nullopt;
    const Result<Recipe> recipe = recipe_from_json(base.recipe, graph->second);
    if (!recipe || recipe->language != request.language) return std::nullopt;
    if (request.memory == MemoryOperator::combine)
      if (auto made = combine(request, graph->second, *recipe)) return made;
    std::vector<Move> all = moves(graph->second, *recipe, machine);
    Random random(request.seed);
    const auto bound = base.evaluation.diagnosis.bound;
    // Thompson sampling: one throw a name, about what is believed of the name and of the recipe that it leads to.
    std::map<std::string, std::pair<double, double>> thrown;  // and what is taken off
    for (const Move& move : all) thrown.try_emplace(move.name, 0, 0);
    for (auto& [name, value] : thrown) value.first = random.normal();
    // What its siblings tried is not what is wanted next.
    if (request.memory == MemoryOperator::siblings) {
      for (const Recalled& sibling : request.siblings)
        for (const Move& move : all)
          if (sibling.rationale.starts_with(move.because)) thrown[move.name].second += 0.2;
    }
    const MachineModel model = machine_model(request.target, request.language);
    RecipeCosts costs(graph->second, model);
    const std::optional<RecipeCost> now = k.guide ? costs.of(*recipe) : std::nullopt;
    std::vector<std::pair<double, const Move*>> ranked;
    for (const Move& move : all) {
      Gain gain = policy_.gain(base.evaluation.diagnosis, move.name);
      if (now)
        if (const auto then = costs.of(move.result)) gain = joined(gain, k.guide->gain(*now, *then));
      const auto& [lot, off] = thrown[move.name];
      ranked.emplace_back(gain.mean + lot * gain.deviation - off, &move);
    }
    std::ranges::stable_sort(ranked, std::greater{}, [](const auto& each) { return each.first; });
    const std::string before = code_of(request, graph->second, *recipe);
    for (const auto& [drawn, move] : ranked) {
      if (code_of(request, graph->second, move->result) == before) continue;  // nothing that this kernel has
      const std::string why = fmt::format("{}{}", move->because,
                                          bound ? fmt::format(" (the parent was bound by {})", to_string(*bound)) : "");
      Proposal proposal = write_proposal(request, graph->second, move->result, move->name, why);
      if (is_new(request, proposal)) return proposal;
    }
    return std::nullopt;
  }

  void learn_cost(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) {
    if (!costs_ || !request.problem || request.problem->workloads.empty() || !proposal.recipe.is_object()) return;
    const std::optional<RecipeTime> time = recipe_time(evaluation);
    if (!time) return;
    const MachineModel model = machine_model(request.target, request.language);
    Known& k = known(request, model.caches);
    const auto graph = k.graphs.find(form_of(proposal.recipe));
    if (graph == k.graphs.end()) return;
    const Result<Recipe> recipe = recipe_from_json(proposal.recipe, graph->second);
    if (!recipe) return;
    const auto cost = RecipeCosts(graph->second, model).of(*recipe);
    if (!cost) return;
    const std::vector<double> seconds = seconds_of_units(*cost, *time);
    k.guide->learn(std::vector<MeasuredUnits>{{.recipe = &*cost, .seconds = seconds}});
  }

  // The parent's partition with the schedules of another good branch, where groups agree in kind.
  static std::optional<Proposal> combine(const SynthesisRequest& request, const GeneralGraph& graph,
                                         const Recipe& recipe) {
    for (const Recalled& other : request.siblings) {
      if (!other.recipe.is_object() || form_of(other.recipe) != recipe.form) continue;
      const Result<Recipe> second = recipe_from_json(other.recipe, graph);
      if (!second) continue;
      Recipe made = recipe;
      for (std::size_t g = 0; g < made.partition.groups.size(); ++g)
        for (std::size_t h = 0; h < second->partition.groups.size(); ++h) {
          const NodeSet& a = made.partition.groups[g];
          const NodeSet& b = second->partition.groups[h];
          if (std::ranges::none_of(a, [&](std::size_t n) { return std::ranges::binary_search(b, n); })) continue;
          if (made.schedules[g].sketch == second->schedules[h].sketch) made.schedules[g] = second->schedules[h];
        }
      Proposal proposal = write_proposal(request, graph, made, "combine",
                                         fmt::format("the parent's kernels with the schedules of node {}", other.node));
      if (is_new(request, proposal)) return proposal;
    }
    return std::nullopt;
  }

  Choosing choosing_;
  std::optional<Correction> costs_;
  Ticket tickets_ = 0;
  std::map<std::string, Known> known_;
  MovePolicy policy_;
};

}  // namespace

std::unique_ptr<Synthesizer> make_builtin_synthesizer(std::optional<Correction> costs) {
  return std::make_unique<Builtin>(Choosing::by_belief, std::move(costs));
}

std::unique_ptr<Synthesizer> make_random_synthesizer() {
  return std::make_unique<Builtin>(Choosing::at_random, std::nullopt);
}

}  // namespace kerf
