#include "synthesize/builtin/moves.h"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "synthesize/builtin/compose.h"
#include "synthesize/builtin/gpu_moves.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/operators.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/scan_schedule.h"

namespace kerf {
namespace {

class Mover {
 public:
  Mover(const GeneralGraph& graph, const Recipe& recipe, const CacheFacts& machine)
      : graph_(graph), recipe_(recipe), machine_(machine) {}

  std::vector<Move> run() {
    for (std::size_t g = 0; g < recipe_.partition.groups.size(); ++g) {
      const Result<Region> region = lower(graph_, recipe_.partition.groups[g]);
      if (region && region->scanned != 0) {
        by_schedule(g, *region, scan_moves(*region, recipe_.schedules[g], machine_));
      } else if (region && recipe_.language == Language::cpp) {
        schedules(g, *region);
      } else if (region) {
        by_schedule(g, *region,
                    recipe_.language == Language::triton ? triton_moves(*region, recipe_.schedules[g], machine_)
                                                         : gpu_moves(*region, recipe_.schedules[g], machine_));
      }
      split(g);
      leave_to_library(g);
    }
    fuse();
    return std::move(found_);
  }

 private:
  void by_schedule(std::size_t g, const Region& region, std::vector<GpuMove> moves) {
    for (GpuMove& move : moves) {
      Recipe made = recipe_;
      made.schedules[g] = move.schedule;
      found_.push_back({move.name, fmt::format("{}: {}", region.name, move.because), std::move(made)});
    }
  }

  void change(std::size_t g, const Region& region, const char* name, const std::string& because, auto&& edit) {
    Recipe made = recipe_;
    Schedule& s = made.schedules[g];
    edit(s);
    if (s == recipe_.schedules[g] || !illegal(region, s).empty()) return;
    found_.push_back({name, fmt::format("{}: {}", region.name, because), std::move(made)});
  }

  void schedules(std::size_t g, const Region& region) {
    const Schedule& now = recipe_.schedules[g];
    const std::int64_t block = now.block.front();
    for (const std::int64_t times : {4, -4}) {
      const std::int64_t wish = times > 0 ? block * 4 : block / 4 / 16 * 16;
      if (wish < 64 || wish > 1 << 20 || (now.sketch == Sketch::columns && wish > 8192)) continue;
      // What a task works off decides how evenly threads are loaded, and what stays in cache between passes.
      const bool tiles = now.sketch == Sketch::columns || now.sketch == Sketch::split;
      change(g, region, tiles ? "tile" : "threads", fmt::format("tasks of {} elements instead of {}", wish, block),
             [&](Schedule& s) { s.block = {wish}; });
    }
    change(g, region, "streaming_stores",
           now.streaming ? "results are read soon: stores go through the caches again"
                         : "results leave the caches before they are read: stores go around them",
           [](Schedule& s) { s.streaming = !s.streaming; });
    for (const std::int64_t u : {1, 2, 4, 8})
      if (u != now.unroll)
        change(g, region, "unroll", fmt::format("{} vectors a round", u), [&](Schedule& s) { s.unroll = u; });
    if (region.reduced != 0) {
      passes(g, region, now);
      for (const std::int64_t a : {1, 2, 4, 8})
        if (a != now.accumulators)
          change(g, region, "accumulators", fmt::format("{} independent partial results", a),
                 [&](Schedule& s) { s.accumulators = a; });
      const bool inner = !region.axes.empty() && region.is_reduced(static_cast<int>(region.axes.size()) - 1);
      if (inner)
        change(g, region, "threads",
               now.sketch == Sketch::split ? "whole rows a task" : "rows are cut up between tasks", [&](Schedule& s) {
                 s.sketch = now.sketch == Sketch::split ? Sketch::rows : Sketch::split;
                 s.block = {s.sketch == Sketch::split ? 65536 : 16384};
                 s.keep = s.ahead = false;
               });
    }
  }

  // How often a row is passed over, and what of it is at hand when a pass wants it.
  void passes(std::size_t g, const Region& region, const Schedule& now) {
    const auto consistent = [&](Schedule& s) {
      s.keep = s.keep && kept_value(region, s);
      s.ahead = s.ahead && later_pass(region, s);
    };
    change(g, region, "passes",
           now.joint ? "reductions in passes of their own" : "reductions that need one another in one pass",
           [&](Schedule& s) {
             s.joint = !s.joint;
             consistent(s);
           });
    change(g, region, "passes", now.keep ? "passes compute again what they need" : "what a pass computed is kept",
           [](Schedule& s) { s.keep = !s.keep; });
    change(g, region, "prefetch",
           now.ahead ? "rows are fetched when their turn comes"
                     : "the next row is fetched during the passes over this one",
           [](Schedule& s) { s.ahead = !s.ahead; });
  }

  void add(const char* name, std::string because, Partition partition) {
    if (!orderable(graph_, partition)) return;
    Result<Recipe> made = make_recipe(graph_, recipe_.form, std::move(partition), machine_);
    if (!made) return;
    // Groups that stay keep their schedules.
    for (std::size_t g = 0; g < made->partition.groups.size(); ++g)
      for (std::size_t old = 0; old < recipe_.partition.groups.size(); ++old)
        if (made->partition.groups[g] == recipe_.partition.groups[old]) made->schedules[g] = recipe_.schedules[old];
    found_.push_back({name, std::move(because), std::move(*made)});
  }

  // A group is cut in two at each place where both halves can stand alone; the middle first.
  void split(std::size_t g) {
    const NodeSet& group = recipe_.partition.groups[g];
    if (group.size() < 2) return;
    const std::size_t middle = group.size() / 2;
    const NodeSet head(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(middle));
    const NodeSet tail(group.begin() + static_cast<std::ptrdiff_t>(middle), group.end());
    Partition made = recipe_.partition;
    made.groups[g] = head;
    made.groups.push_back(tail);
    if (lower(graph_, head) && lower(graph_, tail))
      add("split", fmt::format("{} and what follows it in kernels of their own", graph_.nodes[head.back()].name),
          std::move(made));
  }

  void leave_to_library(std::size_t g) {
    Partition made = recipe_.partition;
    if (std::ranges::any_of(made.groups[g], [&](std::size_t n) { return !is_callable(graph_.nodes[n]); })) return;
    const std::string name = graph_.nodes[made.groups[g].back()].name;
    // Of a product, what is done with it may stay a kernel.
    NodeSet rest = made.groups[g];
    std::erase_if(rest, [&](std::size_t n) { return is_product(graph_, n); });
    if (rest.size() < made.groups[g].size() && !rest.empty() && lower(graph_, rest) &&
        std::ranges::any_of(rest, [&](std::size_t n) { return !is_trivial(graph_.nodes[n]); })) {
      Partition kept = made;
      kept.groups[g] = rest;
      add("library", fmt::format("the product in {} goes back to the library", name), std::move(kept));
    }
    made.groups.erase(made.groups.begin() + static_cast<std::ptrdiff_t>(g));
    add("library", fmt::format("{} goes back to the library", name), std::move(made));
  }

  // Views that follow, until what is stored lies in order: an attention's result has the heads of a place side by side.
  void take_in_views(NodeSet& group, const Partition& partition) const {
    while (!lower(graph_, group)) {
      const std::vector<TensorRef> results = escaping(graph_, group);
      const auto is_next = [&](std::size_t n) {
        const std::vector<TensorRef> refs = references(graph_.nodes[n]);
        return is_trivial(graph_.nodes[n]) && std::ranges::find(refs, results[0]) != refs.end() &&
               std::ranges::none_of(partition.groups,
                                    [&](const NodeSet& other) { return std::ranges::binary_search(other, n); });
      };
      std::size_t n = group.back() + 1;
      while (n < graph_.nodes.size() && !is_next(n)) ++n;
      if (results.size() != 1 || n == graph_.nodes.size()) return;
      group.push_back(n);
    }
  }

  // A call becomes a kernel, which takes in a kernel that it can be one with: what follows, as a rule.
  void own_product(std::size_t n) {
    Partition made = recipe_.partition;
    NodeSet group = {n};
    for (std::size_t g = made.groups.size(); g-- > 0;) {
      NodeSet both = unite(group, made.groups[g]);
      if (!legal(graph_, recipe_.partition, both)) continue;
      group = std::move(both);
      made.groups.erase(made.groups.begin() + static_cast<std::ptrdiff_t>(g));
      break;
    }
    const bool alone = group.size() == 1;
    take_in_views(group, made);
    if (!lower(graph_, group)) return;
    made.groups.push_back(std::move(group));
    add("product", fmt::format("{}{} on tensor cores", graph_.nodes[n].name, alone ? "" : " and what is done with it"),
        std::move(made));
  }

  void fuse() {
    const auto& groups = recipe_.partition.groups;
    for (std::size_t a = 0; a < groups.size(); ++a)
      for (std::size_t b = a + 1; b < groups.size() && b < a + 8; ++b) {
        NodeSet both = unite(groups[a], groups[b]);
        if (!legal(graph_, recipe_.partition, both)) continue;
        Partition made = recipe_.partition;
        made.groups[a] = both;
        made.groups.erase(made.groups.begin() + static_cast<std::ptrdiff_t>(b));
        add("fuse",
            fmt::format("{} and {} in one pass", graph_.nodes[groups[a].back()].name,
                        graph_.nodes[groups[b].back()].name),
            std::move(made));
      }
    // Operators that were given to the library come back.
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const bool in_group =
          std::ranges::any_of(groups, [&](const NodeSet& group) { return std::ranges::binary_search(group, n); });
      if (in_group || is_trivial(graph_.nodes[n]) || !lowers(graph_, graph_.nodes[n])) continue;
      if (is_product(graph_, n)) {
        if (generates_products(recipe_.language)) own_product(n);
        continue;
      }
      if (!lower(graph_, {n})) continue;
      Partition made = recipe_.partition;
      made.groups.push_back({n});
      add("fuse", fmt::format("{} is generated", graph_.nodes[n].name), std::move(made));
      if (found_.size() > 64) return;
    }
  }

  const GeneralGraph& graph_;
  const Recipe& recipe_;
  const CacheFacts& machine_;
  std::vector<Move> found_;
};

}  // namespace

Result<Recipe> make_recipe(const GeneralGraph& graph, GraphForm form, Partition partition, const CacheFacts& machine) {
  Recipe recipe{.language = machine.language, .form = form, .partition = std::move(partition), .schedules = {}};
  for (const NodeSet& group : recipe.partition.groups) {
    const Region region = TRY(lower(graph, group));
    recipe.schedules.push_back(default_schedule(region, machine));
  }
  return recipe;
}

nlohmann::json to_json(const Recipe& recipe, const GeneralGraph& graph) {
  nlohmann::json groups = nlohmann::json::array();
  for (std::size_t g = 0; g < recipe.partition.groups.size(); ++g) {
    nlohmann::json nodes = nlohmann::json::array();
    for (const std::size_t n : recipe.partition.groups[g]) nodes.push_back(graph.nodes[n].name);
    groups.push_back({{"nodes", nodes}, {"schedule", to_json(recipe.schedules[g])}});
  }
  nlohmann::json made = {{"graph", to_string(recipe.form)}, {"groups", groups}};
  if (recipe.language != Language::cpp) made["language"] = to_string(recipe.language);
  return made;
}

GraphForm form_of(const nlohmann::json& recipe) {
  const std::string name = recipe.is_object() ? recipe.value("graph", "exported") : "exported";
  for (const GraphForm form : {GraphForm::core, GraphForm::channels_last, GraphForm::places_inside})
    if (name == to_string(form)) return form;
  return GraphForm::exported;
}

Result<Recipe> recipe_from_json(const nlohmann::json& json, const GeneralGraph& graph) {
  try {
    const auto language = language_from(json.value("language", "cpp"));
    if (!language) return fail(ErrorKind::internal, "a recipe names an unknown language");
    Recipe recipe{.language = *language, .form = form_of(json), .partition = {}, .schedules = {}};
    for (const nlohmann::json& group : json.at("groups")) {
      NodeSet nodes;
      for (const nlohmann::json& name : group.at("nodes")) {
        const auto at = graph.position(name.get<std::string>());
        if (!at) return fail(ErrorKind::internal, "a recipe names an unknown operator: " + name.get<std::string>());
        nodes.push_back(*at);
      }
      std::ranges::sort(nodes);
      recipe.partition.groups.push_back(std::move(nodes));
      recipe.schedules.push_back(TRY(schedule_from_json(group.at("schedule"))));
    }
    return recipe;
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorKind::internal, fmt::format("a recipe cannot be read: {}", e.what()));
  }
}

std::vector<Move> moves(const GeneralGraph& graph, const Recipe& recipe, const CacheFacts& machine) {
  return Mover(graph, recipe, machine).run();
}

Result<Candidate> write_candidate(const Understood& problem, const GeneralGraph& graph, const Recipe& recipe,
                                  const std::vector<std::string>& remarks) {
  std::vector<GeneratedGroup> groups;
  for (std::size_t g = 0; g < recipe.partition.groups.size(); ++g)
    groups.push_back({recipe.partition.groups[g], TRY(lower(graph, recipe.partition.groups[g])), recipe.schedules[g]});
  return compose(problem, graph, groups, remarks, recipe.language);
}

}  // namespace kerf
