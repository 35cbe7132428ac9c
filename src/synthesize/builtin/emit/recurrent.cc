#include "synthesize/builtin/emit/recurrent.h"

#include <fmt/format.h>

#include "synthesize/builtin/lowering.h"

namespace kerf {
namespace {

// Expressions as an array of the plan: those of digits alone are numbers.
std::string list(const std::vector<std::string>& words) {
  std::string made;
  for (const std::string& word : words)
    made += (made.empty() ? "" : ", ") +
            (word.find_first_not_of("0123456789") == std::string::npos ? word : toml_string(word));
  return "[" + made + "]";
}

class Writer {
 public:
  Writer(const Recurrent& network, const GeneralNode& node, std::string prefix, bool frozen)
      : network_(network), node_(node), prefix_(std::move(prefix)), frozen_(frozen) {}

  EmittedRecurrent in_cpp() {
    made_.tune = "ROWS";
    made_.values = {1, 2, 5};
    const std::string blocks = fmt::format("cdiv({}, 16)", units_);
    layers(false, [&](std::size_t layer, const std::vector<std::string>& shares, const std::string& to) {
      for (std::size_t d = 0; d < network_.directions(); ++d) {
        const std::size_t at = layer * network_.directions() + d;
        const RecurrentLayer& one = network_.layers[at];
        const std::string packed = scratch(fmt::format("packed{}", at), "f32",
                                           {fmt::format("{} * {} * {}", blocks, units_, 16 * network_.gates())});
        step(fmt::format("{}launch = \"pack_gates\"\ngrid = {}\nargs = {}\n", frozen_ ? "phase = \"prepare\"\n" : "",
                         list({blocks}), list({placeholder(one.weight), packed, units_, gates_})));
        std::vector<std::string> args = {shares[d], packed, placeholder(one.bias)};
        add_states(args, to);
        const std::vector<std::string> apart = strides(to);
        for (const std::string& each :
             {batch_, length_, units_, first_, apart[0], apart[1], std::to_string(d), std::to_string(at)})
          args.push_back(each);
        step(fmt::format("launch = \"{}_layer\"\ngrid = {}\nargs = {}\n", name(),
                         list({fmt::format("cdiv({}, ROWS)", batch_)}), list(args)));
      }
    });
    return std::move(made_);
  }

  EmittedRecurrent in_cuda(const GeneralGraph& graph) {
    const GeneralTensor& weight = *graph.tensor(network_.layers.at(0).weight);
    const std::int64_t units = weight.shape[0][1];
    Requirement same{.text = fmt::format("{} == {}", units_, units), .holds = {}};
    for (const auto& shape : weight.shape) same.holds.push_back(shape[1] == units);
    made_.requirements.push_back(std::move(same));
    made_.tune = prefix_ + "_units";
    made_.values = units_a_warp(graph, network_);
    const std::string sharing = fmt::format("cdiv({}, {} * {})", units, recurrent_warps, made_.tune);
    const std::string groups =
        fmt::format("min({}, max(1, {} // ({} * {})))", batch_, recurrent_blocks, network_.directions(), sharing);
    // The states of 8 / units sequences, twice.
    const std::string memory = fmt::format("8 // {} * 2 * 4 * 32 * cdiv({}, 32)", made_.tune, units);
    const std::string states =
        scratch("states", "i64", {"2", directions_, batch_, std::to_string(units)}, "zero = true\n");
    layers(true, [&](std::size_t layer, const std::vector<std::string>& shares, const std::string& to) {
      std::vector<std::string> args;
      for (std::size_t d = 0; d < 2; ++d) {
        const std::size_t one = d % network_.directions();
        const RecurrentLayer& weights = network_.layers[layer * network_.directions() + one];
        for (const std::string& each : {shares[one], placeholder(weights.weight), placeholder(weights.bias)})
          args.push_back(each);
      }
      add_states(args, to);
      const std::vector<std::string> apart = strides(to);
      for (const std::string& each :
           {batch_, length_, first_, apart[0], apart[1], directions_, std::to_string(layer), states})
        args.push_back(each);
      step(fmt::format(
          "launch = \"{}_layer<{}, {}>\"\ngrid = {}\nblock = [{}]\nshared = \"{}\"\ncooperative = true\n"
          "args = {}\n",
          name(), units, made_.tune, list({sharing, groups, directions_}), 32 * recurrent_warps, memory, list(args)));
    });
    return std::move(made_);
  }

 private:
  [[nodiscard]] const char* name() const { return network_.lstm ? "lstm" : "gru"; }

  // each(layer, what the input adds to the gates in each direction, where its results go). `described`: the plan says
  // the shapes of these, so that launches are checked before anything runs.
  template <class Each>
  void layers(bool described, Each each) {
    const std::string x = placeholder(network_.x);
    const std::vector<std::string> states = {placeholder(network_.hidden) + ".shape[0]", batch_, units_};
    const std::string width = network_.both_ways ? "2 * " + units_ : units_;
    const std::vector<std::string> between = {x + ".shape[0]", x + ".shape[1]", width};
    made_.shapes = {between, states};
    if (is_turned()) std::swap(made_.shapes[0][0], made_.shapes[0][1]);
    if (network_.lstm) made_.shapes.push_back(states);
    std::string from = x;
    const std::size_t depth = network_.layers.size() / network_.directions();
    for (std::size_t l = 0; l < depth; ++l) {
      const std::string to =
          l + 1 == depth ? placeholder({node_.name, 0}) : scratch(fmt::format("out{}", l), "f32", between);
      std::vector<std::string> shares;
      for (std::size_t d = 0; d < network_.directions(); ++d) {
        const std::size_t at = l * network_.directions() + d;
        const RecurrentLayer& layer = network_.layers[at];
        const std::string share = fmt::format("gates{}", at);
        shares.push_back(described ? scratch(share, "f32", {x + ".shape[0]", x + ".shape[1]", gates_ + " * " + units_})
                                   : fmt::format("{}_{}", prefix_, share));
        step(fmt::format("call = \"aten.linear.default\"\nargs = {}\nout = \"{}\"\n",
                         list({from, placeholder(layer.input_weight), placeholder(layer.input_bias)}), shares.back()));
      }
      each(l, shares, to);
      from = to;
    }
  }
  [[nodiscard]] bool is_turned() const { return network_.steps_first && network_.batch_first; }
  // How far apart sequences and steps are in what a layer gives.
  [[nodiscard]] std::vector<std::string> strides(const std::string& to) const {
    const bool sequences_first = network_.batch_first && !(to == placeholder({node_.name, 0}) && is_turned());
    return {fmt::format("{}.stride[{}]", to, sequences_first ? 0 : 1),
            fmt::format("{}.stride[{}]", to, sequences_first ? 1 : 0)};
  }
  // States and results, which all kernels take behind the weights.
  void add_states(std::vector<std::string>& args, const std::string& to) const {
    args.push_back(placeholder(network_.hidden));
    if (network_.cell) args.push_back(placeholder(*network_.cell));
    args.push_back(to);
    args.push_back(placeholder({node_.name, 1}));
    if (network_.cell) args.push_back(placeholder({node_.name, 2}));
  }
  std::string scratch(const std::string& what, const char* type, const std::vector<std::string>& shape,
                      const char* more = "") {
    const std::string name = fmt::format("{}_{}", prefix_, what);
    made_.scratch +=
        fmt::format("[[scratch]]\nname = \"{}\"\ndtype = \"{}\"\nshape = {}\n{}", name, type, list(shape), more);
    return name;
  }
  void step(const std::string& text) {
    made_.steps += "[[step]]\n" + text;
    ++made_.count;
  }

  const Recurrent& network_;
  const GeneralNode& node_;
  std::string prefix_;
  bool frozen_;
  EmittedRecurrent made_;
  std::string gates_ = std::to_string(network_.gates()), directions_ = std::to_string(network_.directions()),
              units_ = placeholder(network_.layers.at(0).weight) + ".shape[1]",
              batch_ = placeholder(network_.hidden) + ".shape[1]",
              length_ = fmt::format("{}.shape[{}]", placeholder(network_.x), network_.batch_first ? 1 : 0),
              first_ = network_.batch_first ? "1" : "0";
};

}  // namespace

EmittedRecurrent recurrent_steps(const GeneralGraph& graph, const Recurrent& network, const GeneralNode& node,
                                 const std::string& prefix, bool frozen, Language language) {
  Writer writer(network, node, prefix, frozen);
  return language == Language::cuda ? writer.in_cuda(graph) : writer.in_cpp();
}

}  // namespace kerf
