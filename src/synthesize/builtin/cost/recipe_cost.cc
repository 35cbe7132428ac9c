#include "synthesize/builtin/cost/recipe_cost.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/passes.h"

namespace kerf {
namespace {

constexpr double call_seconds = 4e-6;  // of a library call, beyond its work
constexpr double enough_tasks = 20;    // a thread, so that what disturbs one is made up for by others
constexpr double slow_windows = 8;     // PyTorch pools element by element

double bytes_of(const GeneralTensor& tensor) {
  return static_cast<double>(tensor.numel()) * static_cast<double>(size_of(tensor.dtype));
}

// Tensors in the caches from step to step: the least recently used leave first. What is read comes from the smallest
// cache that holds all that was touched since.
class Residents {
 public:
  explicit Residents(const MachineModel& machine)
      : l2_(0.75 * static_cast<double>(machine.caches.l2_bytes) *
            (machine.gpu() ? 1.0 : static_cast<double>(machine.caches.threads))),
        l3_(machine.gpu() ? l2_ : std::max(l2_, 0.75 * static_cast<double>(machine.caches.l3_bytes))) {}

  void read(int storage, double bytes, Traffic& traffic) {
    const auto found = std::ranges::find(recent_, storage, &std::pair<int, double>::first);
    if (found == recent_.end()) {
      traffic.memory += bytes;
    } else {
      double since = bytes;
      for (auto it = recent_.begin(); it != found; ++it) since += it->second;
      (since <= l2_ ? traffic.l2 : since <= l3_ ? traffic.l3 : traffic.memory) += bytes;
    }
    touch(storage, bytes);
  }
  void write(int storage, double bytes, bool streamed) {
    if (streamed) {
      std::erase_if(recent_, [&](const auto& each) { return each.first == storage; });
    } else {
      touch(storage, bytes);
    }
  }

 private:
  void touch(int storage, double bytes) {
    std::erase_if(recent_, [&](const auto& each) { return each.first == storage; });
    recent_.insert(recent_.begin(), {storage, bytes});
    double held = 0;
    for (std::size_t i = 0; i < recent_.size(); ++i) {
      held += recent_[i].second;
      if (i == 0 || held <= 2 * l3_) continue;
      recent_.resize(i + 1);
      break;
    }
  }

  double l2_, l3_;
  std::vector<std::pair<int, double>> recent_;  // the last first
};

// Multiplications and additions of a product that is the library's, as vector operations.
double product_operations(const GeneralGraph& graph, const GeneralNode& node) {
  const double results = node.results.empty() ? 0 : static_cast<double>(node.results[0].numel());
  std::vector<const GeneralTensor*> factors;
  for (const TensorRef& ref : references(node))
    if (const GeneralTensor* t = graph.tensor(ref); t && t->rank() > 1) factors.push_back(t);
  if (factors.size() < 2) return 0;
  double terms = 1;
  if (node.base().starts_with("conv")) {
    const auto& shape = factors[1]->shape[0];
    for (std::size_t d = 1; d < shape.size(); ++d) terms *= static_cast<double>(shape[d]);
  } else {
    terms = static_cast<double>(factors[0]->shape[0].back());
  }
  return results * terms / 16;
}

struct Step {
  Work work;
  Traffic traffic;
  double seconds = 0;
  const Schedule* schedule = nullptr;  // none: a call
  const Region* region = nullptr;
};

}  // namespace

const std::array<Feature, feature_count>& feature_table() {
  static constexpr std::array<Feature, feature_count> table = {{
      {"seconds", 0.15, 0.05},    // log of the formulas' sum
      {"groups", 0.1, 0.05},      // log of their number, plus one
      {"library", 0, 0.3},        // share of the sum: calls that are no products
      {"channels_last", 0, 0.3},  // the graph's form
      // Sums over groups, weighted by their shares of the sum.
      {"memory", 0.1, 0.05},         // time of memory in that of memory and arithmetic
      {"caches", 0.1, 0.05},         // what caches answer of what is read
      {"few_tasks", 0.1, 0.05},      // logarithms that tasks a thread are short of 20
      {"joint_moments", 0.1, 0.05},  // passes joined
      {"joint_exponentials", 0.1, 0.05},
      {"ahead", 0.1, 0.05},
      {"keep", 0, 0.05},
      {"split", 0, 0.05},
      {"streamed", 0, 0.05},          // bytes stored around the caches, of all
      {"unroll", 0, 0.05},            // log2
      {"unrolled_windows", 0, 0.05},  // log2, where windows are written out
      {"accumulators", 0, 0.05},      // log2
  }};
  return table;
}

const Region* RecipeCosts::region(const NodeSet& group) {
  const auto [it, fresh] = regions_.try_emplace(group);
  if (fresh)
    if (Result<Region> made = lower(graph_, group)) it->second = *std::move(made);
  return it->second ? &*it->second : nullptr;
}

std::optional<RecipeCost> RecipeCosts::of(const Recipe& recipe) {
  // Storages by what the graph calls them; views are what they look at.
  std::map<std::pair<std::string, int>, int> storages;
  const auto storage = [&](const TensorRef& ref) {
    return storages.try_emplace({ref.name, ref.index}, static_cast<int>(storages.size())).first->second;
  };
  constexpr auto none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> group_of(graph_.nodes.size(), none), last(recipe.partition.groups.size());
  for (std::size_t g = 0; g < recipe.partition.groups.size(); ++g) {
    for (const std::size_t n : recipe.partition.groups[g]) group_of[n] = g;
    last[g] = recipe.partition.groups[g].back();
  }
  Residents residents(machine_);
  std::vector<Step> steps;
  RecipeCost made;
  double library = 0;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const GeneralNode& node = graph_.nodes[n];
    Step step;
    if (group_of[n] == none) {
      const std::vector<TensorRef> used = references(node);
      if (is_trivial(node)) {
        if (!used.empty()) storages[{node.name, 0}] = storage(used[0]);
        continue;
      }
      for (const TensorRef& ref : used)
        if (const GeneralTensor* tensor = graph_.tensor(ref)) {
          residents.read(storage(ref), bytes_of(*tensor), step.traffic);
          step.work.read += bytes_of(*tensor);
        }
      for (std::size_t r = 0; r < node.results.size(); ++r) {
        step.work.written += bytes_of(node.results[r]);
        residents.write(storage({node.name, static_cast<int>(r)}), bytes_of(node.results[r]), false);
      }
      const bool product = is_product(graph_, n) || node.base().starts_with("conv");
      if (product) {
        step.work.operations = product_operations(graph_, node);
      } else if (const Region* own = region({n})) {
        for (const CountedPass& pass : counted_passes(*own, default_schedule(*own, machine_.caches)))
          step.work.operations += pass.rounds * pass.operations * (has_windows(*own) ? slow_windows : 1);
      } else {
        step.work.operations = step.work.written / 16;
      }
      step.seconds = seconds_of(step.work, step.traffic, machine_) + call_seconds;
      if (!product) library += step.seconds;
    } else {
      const std::size_t g = group_of[n];
      if (last[g] != n) continue;
      step.region = region(recipe.partition.groups[g]);
      if (!step.region) return std::nullopt;
      step.schedule = &recipe.schedules[g];
      step.work = work_of(*step.region, *step.schedule, machine_);
      std::map<int, double> read;
      double sum = 0;
      for (const Instruction& i : step.region->code) {
        if (i.form != Instruction::Form::load) continue;
        double bytes = i.access.type == Type::i64 ? 8 : i.access.type == Type::mask ? 1 : 4;
        if (!i.access.windows.empty()) {
          bytes *= static_cast<double>(i.access.elements.at(0));
        } else {
          for (const Subscript& s : i.access.subscripts)
            bytes *= static_cast<double>(step.region->axes[static_cast<std::size_t>(s.axis)].extent.values.at(0));
        }
        double& of = read[storage(i.access.tensor)];
        of = std::max(of, bytes);
      }
      for (const auto& [id, bytes] : read) {
        residents.read(id, bytes, step.traffic);
        sum += bytes;
      }
      step.work.read = sum;
      for (const RegionStore& store : step.region->stores) {
        double bytes = store.access.type == Type::i64 ? 8 : 4;
        for (const Subscript& s : store.access.subscripts)
          bytes *= static_cast<double>(step.region->axes[static_cast<std::size_t>(s.axis)].extent.values.at(0));
        residents.write(storage(store.access.tensor), bytes, step.work.streamed > 0);
      }
      step.seconds = seconds_of(step.work, step.traffic, machine_);
    }
    made.seconds += step.seconds;
    steps.push_back(step);
  }
  if (steps.empty() || !(made.seconds > 0)) return std::nullopt;

  Features& f = made.features;
  const auto add = [&](const char* name, double value) {
    const auto& table = feature_table();
    const auto it = std::ranges::find(table, std::string_view(name), &Feature::name);
    f.at(static_cast<std::size_t>(it - table.begin())) += value;
  };
  add("seconds", std::log(made.seconds));
  add("library", library / made.seconds);
  add("channels_last", recipe.form == GraphForm::channels_last ? 1 : 0);
  add("groups", std::log(1 + static_cast<double>(recipe.partition.groups.size())));
  const auto threads = static_cast<double>(machine_.gpu() ? machine_.caches.sms : machine_.caches.threads);
  for (const Step& step : steps) {
    if (!step.schedule) continue;
    const double share = step.seconds / made.seconds;
    const Schedule& s = *step.schedule;
    const Work& w = step.work;
    const double bytes = w.read + w.written + w.streamed;
    const double moved = (step.traffic.memory + w.again_memory) / machine_.memory_read +
                         (step.traffic.l3 + w.again_l3) / machine_.l3_read +
                         (step.traffic.l2 + w.again_l2) / machine_.l2_read + w.written / machine_.memory_write +
                         w.streamed / machine_.memory_stream;
    const double busy = cycles_of(w) / machine_.vectors / threads;
    const double both = std::max(1.0, moved + busy);
    add("memory", share * moved / both);
    add("caches", share * (step.traffic.l2 + step.traffic.l3) / std::max(1.0, w.read));
    add("few_tasks", share * std::max(0.0, std::log(enough_tasks) - std::log(std::max(0.1, w.tasks / threads))));
    add("streamed", share * w.streamed / std::max(1.0, bytes));
    add(has_windows(*step.region) ? "unrolled_windows" : "unroll", share * std::log2(static_cast<double>(s.unroll)));
    if (step.region->reduced != 0) add("accumulators", share * std::log2(static_cast<double>(s.accumulators)));
    if (s.joint)
      for (const Joint& j : joints(*step.region))
        add(j.kind == Joint::Kind::moments ? "joint_moments" : "joint_exponentials", share);
    if (s.keep) add("keep", share);
    if (s.ahead) add("ahead", share);
    if (s.sketch == Sketch::split) add("split", share);
  }
  return made;
}

}  // namespace kerf
