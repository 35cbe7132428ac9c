#include "synthesize/builtin/cost/recipe_cost.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/passes.h"

namespace kerf {
namespace {

constexpr double call_seconds = 4e-6;  // of a library call, beyond its work
constexpr double enough_tasks = 20;    // a thread, so that what disturbs one is made up for by others
constexpr double usual_block = 4096;   // logarithms are of what is a multiple of it
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

double element_bytes(Type type) { return static_cast<double>(bytes_of(type)); }
double extents_of(const Region& region, const Access& access) {
  double elements = 1;
  for (const Subscript& s : access.subscripts)
    elements *= static_cast<double>(region.axes[static_cast<std::size_t>(s.axis)].extent.values.at(0));
  return elements;
}
double bytes_stored(const Region& region, const RegionStore& store) {
  return element_bytes(store.access.type) * extents_of(region, store.access);
}
// Distinct tensors, with the bytes of each that are read.
std::vector<std::pair<TensorRef, double>> tensors_read(const Region& region) {
  std::vector<std::pair<TensorRef, double>> made;
  for (const Instruction& i : region.code) {
    if (i.form != Instruction::Form::load) continue;
    const double bytes =
        element_bytes(i.access.type) *
        (i.access.windows.empty() ? extents_of(region, i.access) : static_cast<double>(i.access.elements.at(0)));
    const auto it = std::ranges::find(made, i.access.tensor, &std::pair<TensorRef, double>::first);
    if (it == made.end()) {
      made.emplace_back(i.access.tensor, bytes);
    } else {
      it->second = std::max(it->second, bytes);
    }
  }
  return made;
}

double& at(Features& features, std::string_view name) {
  const auto& table = feature_table();
  return features.at(static_cast<std::size_t>(std::ranges::find(table, name, &Feature::name) - table.begin()));
}

// Of a kernel. `traffic` is where its tensors come from.
Features features_of(const Region& region, const Schedule& s, const Work& w, const Traffic& traffic, double seconds,
                     const MachineModel& machine) {
  Features f = {};
  const auto threads = static_cast<double>(machine.gpu() ? machine.caches.sms : machine.caches.threads);
  const double moved = memory_time(w, traffic, machine), busy = cycles_of(w) / machine.vectors / threads;
  const double tasks = std::max(0.1, w.tasks / std::max(1.0, w.launches) / threads);
  const bool reduces = region.reduced != 0;
  at(f, "seconds") = std::log(seconds / usual_seconds);
  at(f, "memory") = moved / std::max(1.0, moved + busy);
  at(f, "caches") = (traffic.l2 + traffic.l3) / std::max(1.0, w.read);
  at(f, "few_tasks") = std::max(0.0, std::log(enough_tasks / tasks));
  at(f, "uneven") = std::log(w.uneven);
  at(f, "streamed") = w.streamed / std::max(1.0, w.read + w.written + w.streamed);
  if (!has_windows(region)) at(f, reduces ? "unrolled_rows" : "unroll") = std::log2(static_cast<double>(s.unroll));
  if (reduces) at(f, "accumulators") = std::log2(static_cast<double>(s.accumulators));
  if (s.joint && !joints(region).empty()) at(f, "joint") = 1;
  if (s.ahead) at(f, "ahead") = 1;
  if (s.sketch == Sketch::split) at(f, "split") = 1;
  if (s.sketch != Sketch::columns) at(f, "block") = std::log2(static_cast<double>(s.block.front()) / usual_block);
  return f;
}

// Of a library call.
Features features_of(const GeneralNode& node, bool product, GraphForm form, double seconds) {
  Features f = {};
  at(f, "seconds") = std::log(seconds / usual_seconds);
  at(f, "call") = 1;
  const std::string op = node.base();
  if (!product) {
    if (op.contains("pool")) at(f, "pooling_call") = 1;
    return f;
  }
  constexpr std::size_t transposed_argument = 6;  // of aten.convolution
  const bool transposed =
      op.starts_with("conv_transpose") || (op == "convolution" && true_at(node, transposed_argument));
  const bool last = form == GraphForm::channels_last && op.starts_with("conv");
  at(f, "product") = 1;
  if (last) at(f, transposed ? "transposed_channels_last" : "channels_last") = 1;
  if (transposed && !last) at(f, "transposed") = 1;
  return f;
}

}  // namespace

const std::array<Feature, feature_count>& feature_table() {
  static constexpr std::array<Feature, feature_count> table = {{
      {"seconds", 0.15, 0.1},  // log of the formulas' guess
      // Kernels.
      {"memory", 0.1, 0.1},      // time of memory in that of memory and arithmetic
      {"caches", 0.1, 0.1},      // what caches answer of what is read
      {"few_tasks", 0.1, 0.05},  // logarithms that tasks a thread are short of 20
      {"uneven", 0.3, 0.1},      // log of what the busiest thread does, over the mean
      {"streamed", 0.2, 0.2},    // bytes stored around the caches, of all
      {"unroll", 0.05, 0.05},    // log2
      {"unrolled_rows", 0.05, 0.05},
      {"accumulators", 0.05, 0.05},  // log2
      {"joint", 0.15, 0.15},         // passes joined
      {"ahead", 0.1, 0.1},
      {"split", 0.2, 0.2},
      {"block", 0.05, 0.03},  // log2
      // Library calls.
      {"call", 0.5, 0.2},
      {"product", 0.5, 0.3},  // or convolution, and of those:
      {"channels_last", 0.5, 0.3},
      {"transposed", 0.5, 0.3},
      {"transposed_channels_last", 0.5, 0.3},
      {"pooling_call", 1, 0.5},
  }};
  return table;
}

const Region* RecipeCosts::region(const NodeSet& group) {
  const auto [it, fresh] = regions_.try_emplace(group);
  if (fresh)
    if (Result<Region> made = lower(graph_, group)) it->second = *std::move(made);
  return it->second ? &*it->second : nullptr;
}

double RecipeCost::seconds() const {
  double sum = 0;
  for (const UnitCost& unit : units) sum += unit.seconds;
  return sum;
}

std::optional<RecipeCost> RecipeCosts::of(const Recipe& recipe) {
  const auto units = units_in_order(graph_, recipe.partition.groups);
  if (!units) return std::nullopt;
  // Storages by what the graph calls them; views are what they look at.
  std::map<std::pair<std::string, int>, int> storages;
  const auto storage = [&](const TensorRef& ref) {
    return storages.try_emplace({ref.name, ref.index}, static_cast<int>(storages.size())).first->second;
  };
  Residents residents(machine_);
  RecipeCost made;
  for (const Unit& unit : *units) {
    const GeneralNode& node = graph_.nodes[unit.node];
    UnitCost cost{.operators = node.name, .form = recipe.form, .schedule = {}};
    Traffic traffic;
    if (unit.group) {
      const NodeSet& group = recipe.partition.groups[*unit.group];
      const Schedule& schedule = recipe.schedules[*unit.group];
      const Region* const own = region(group);
      if (!own) return std::nullopt;
      std::map<int, double> read;
      for (const auto& [ref, bytes] : tensors_read(*own)) {
        double& of = read[storage(ref)];
        of = std::max(of, bytes);
      }
      double sum = 0;
      for (const auto& [id, bytes] : read) {
        residents.read(id, bytes, traffic);
        sum += bytes;
      }
      for (const std::int64_t block : schedule.block) {  // the evaluation takes the fastest
        Schedule one = schedule;
        one.block = {block};
        Work work = work_of(*own, one, machine_);
        work.read = sum;
        const double seconds = seconds_of(work, traffic, machine_);
        if (cost.seconds > 0 && seconds >= cost.seconds) continue;
        cost.seconds = seconds;
        cost.steps = static_cast<std::size_t>(work.launches);
        cost.features = features_of(*own, one, work, traffic, seconds, machine_);
      }
      for (const RegionStore& store : own->stores)
        residents.write(storage(store.access.tensor), bytes_stored(*own, store), schedule.streaming);
      cost.operators.clear();
      for (const std::size_t n : group) cost.operators += (cost.operators.empty() ? "" : "/") + graph_.nodes[n].name;
      cost.schedule = to_json(schedule).dump();
    } else if (is_trivial(node)) {
      const std::vector<TensorRef> used = references(node);
      if (!used.empty()) storages[{node.name, 0}] = storage(used[0]);
    } else {
      Work work;
      for (const TensorRef& ref : references(node))
        if (const GeneralTensor* tensor = graph_.tensor(ref)) {
          residents.read(storage(ref), bytes_of(*tensor), traffic);
          work.read += bytes_of(*tensor);
        }
      for (std::size_t r = 0; r < node.results.size(); ++r) {
        work.written += bytes_of(node.results[r]);
        residents.write(storage({node.name, static_cast<int>(r)}), bytes_of(node.results[r]), false);
      }
      const bool product = is_product(graph_, unit.node) || node.base().starts_with("conv");
      work.operations = product ? product_operations(graph_, node) : operations_of_call(unit.node, work.written);
      cost.seconds = seconds_of(work, traffic, machine_) + call_seconds;
      cost.features = features_of(node, product, recipe.form, cost.seconds);
    }
    made.units.push_back(std::move(cost));
  }
  if (!(made.seconds() > 0)) return std::nullopt;
  return made;
}

// Vector operations of an operator that is the library's, and no product.
double RecipeCosts::operations_of_call(std::size_t n, double bytes_written) {
  const Region* const own = region({n});
  if (!own) return bytes_written / 16;
  double operations = 0;
  for (const CountedPass& pass : counted_passes(*own, default_schedule(*own, machine_.caches)))
    operations += pass.rounds * pass.operations * (has_windows(*own) ? slow_windows : 1);
  return operations;
}

}  // namespace kerf
