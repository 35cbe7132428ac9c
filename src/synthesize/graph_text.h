// Graphs as text, for tests: see tests/cases/synthesize/.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "problem/problem.h"

namespace kerf {

inline Argument argument_from(const std::string& word) {
  if (word == "true" || word == "false") return {Value{word == "true"}};
  if (word == "none") return {Value{}};
  if (const auto dtype = dtype_from(word)) return {*dtype};
  if (word.front() == '"') return {Value{word.substr(1, word.size() - 2)}};
  if (word.front() == '[' && word.size() > 2 && std::isalpha(static_cast<unsigned char>(word[1])) != 0) {
    ArgumentList list;
    std::stringstream items(word.substr(1, word.size() - 2));
    for (std::string item; std::getline(items, item, ',');)
      list.push_back(item == "none" ? Argument{Value{}} : Argument{TensorRef{item, 0}});
    return {std::move(list)};
  }
  if (word.front() == '[') {
    ValueList list;
    std::stringstream items(word.substr(1, word.size() - 2));
    for (std::string item; std::getline(items, item, ',');)
      list.push_back(Value{static_cast<std::int64_t>(std::stoll(item))});
    return {Value{list}};
  }
  if (word == "-inf") return {Value{-std::numeric_limits<double>::infinity()}};
  if (word.front() == '-' || std::isdigit(static_cast<unsigned char>(word.front()))) {
    if (word.find_first_of(".e") != std::string::npos) return {Value{std::stod(word)}};
    return {Value{static_cast<std::int64_t>(std::stoll(word))}};
  }
  return {TensorRef{word, 0}};
}

struct Case {
  Understood problem;
  std::vector<std::pair<std::string, std::string>> expect;
};

inline TensorSpec spec_of(Dtype dtype, std::vector<std::int64_t> shape) {
  TensorSpec spec{dtype, std::move(shape), {}};
  spec.stride = contiguous_strides(spec.shape);
  return spec;
}

// "input NAME DTYPE SHAPE…", "parameter …", "NAME = OP ARGS… KEY=ARG… -> DTYPE SHAPE…", "output NAME…", "expect KEY
// VALUE". Behind a shape "strides STRIDES…", where the tensor is not contiguous.
inline Case parse(std::istream& in) {
  Case made;
  Workload w;
  w.id = "case";
  std::vector<std::string> outputs;
  for (std::string text; std::getline(in, text);) {
    std::stringstream words(text);
    std::string first;
    if (!(words >> first) || first[0] == '#') continue;
    const auto spec = [&] {
      std::string dtype;
      words >> dtype;
      const auto integers = [&] {
        std::vector<std::int64_t> list;
        for (std::int64_t d = 0; words >> d;) list.push_back(d);
        words.clear();
        return list;
      };
      TensorSpec read = spec_of(*dtype_from(dtype), integers());
      if (std::string more; words >> more && more == "strides") read.stride = integers();
      return read;
    };
    if (first == "input" || first == "parameter") {
      NamedTensor tensor;
      words >> tensor.name;
      tensor.role = first == "input" ? Role::input : Role::parameter;
      tensor.spec = spec();
      w.tensors.push_back(tensor);
    } else if (first == "output") {
      for (std::string name; words >> name;) outputs.push_back(name);
    } else if (first == "expect") {
      std::string key, value;
      words >> key;
      std::getline(words >> std::ws, value);
      made.expect.emplace_back(key, value);
    } else {
      GraphNode node{.name = first, .op = "", .args = {}, .kwargs = {}, .results = {}};
      std::string word;
      words >> word >> node.op;
      while (words >> word && word != "->") {
        const std::size_t is =
            std::isalpha(static_cast<unsigned char>(word.front())) != 0 ? word.find('=') : std::string::npos;
        if (is == std::string::npos) {
          node.args.push_back(argument_from(word));
        } else {
          node.kwargs.emplace_back(word.substr(0, is), argument_from(word.substr(is + 1)));
        }
      }
      node.results.push_back(spec());
      w.exported.nodes.push_back(node);
    }
  }
  for (const std::string& name : outputs) {
    w.exported.outputs.push_back({name, 0});
    for (const GraphNode& node : w.exported.nodes)
      if (node.name == name) w.outputs.push_back(node.results[0]);
    if (const NamedTensor* t = w.find(name)) w.outputs.push_back(t->spec);
  }
  w.core = w.exported;
  made.problem.problem.id = "case";
  made.problem.workloads.push_back(std::move(w));
  return made;
}

// Values to compute with: in [-0.9, 1.1], no two alike.
inline std::vector<double> numbers(std::size_t n) {
  std::vector<double> made(n);
  for (std::size_t i = 0; i < n; ++i) made[i] = std::sin(1.7 * static_cast<double>(i)) + 0.1;
  return made;
}

inline Case parse(const std::string& text) {
  std::stringstream in(text);
  return parse(in);
}

}  // namespace kerf
