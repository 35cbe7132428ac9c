#include "synthesize/builtin/atoms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace kerf {
namespace {

// Products and quotients are tried over at most this many atoms: quadratic work.
constexpr std::size_t max_pair_atoms = 80;

std::optional<std::int64_t> integer(const std::optional<Value>& value) {
  if (!value) return std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&value->is)) return *i;
  return std::nullopt;
}

std::optional<double> number(const std::optional<Value>& value) {
  if (!value) return std::nullopt;
  if (const auto* i = std::get_if<std::int64_t>(&value->is)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value->is)) return *d;
  return std::nullopt;
}

}  // namespace

Atoms::Atoms(const std::vector<const Workload*>& workloads) : count_(workloads.size()) {
  // A network has hundreds of tensors: each is looked up once.
  std::unordered_set<std::string> known;
  std::map<const Workload*, std::unordered_map<std::string_view, const TensorSpec*>> specs;
  for (const Workload* w : workloads)
    for (const NamedTensor& tensor : w->tensors) specs[w].emplace(tensor.name, &tensor.spec);
  const auto add = [&](std::string text, auto&& value_in) {
    if (!known.insert(text).second) return;
    Atom atom{.text = std::move(text), .values = {}};
    for (const Workload* w : workloads) atom.values.push_back(value_in(*w));
    atoms_.push_back(std::move(atom));
  };
  const auto add_shape = [&](const std::string& name, std::size_t rank, auto&& spec_in) {
    add(name + ".ndim", [&](const Workload& w) -> std::optional<Value> {
      const TensorSpec* spec = spec_in(w);
      if (!spec) return std::nullopt;
      return Value{static_cast<std::int64_t>(spec->shape.size())};
    });
    for (std::size_t d = 0; d < rank; ++d)
      add(fmt::format("{}.shape[{}]", name, d), [&](const Workload& w) -> std::optional<Value> {
        const TensorSpec* spec = spec_in(w);
        if (!spec || d >= spec->shape.size()) return std::nullopt;
        return Value{spec->shape[d]};
      });
  };
  for (const auto& [name, value] : workloads[0]->init) {
    const auto find_init = [&name = name](const Workload& w) -> const Value* {
      for (const auto& [key, v] : w.init)
        if (key == name) return &v;
      return nullptr;
    };
    add("init." + name, [&](const Workload& w) -> std::optional<Value> {
      const Value* v = find_init(w);
      if (!v || std::holds_alternative<ValueList>(v->is)) return std::nullopt;
      return *v;
    });
    if (const auto* list = std::get_if<ValueList>(&value.is))
      for (std::size_t i = 0; i < list->size(); ++i)
        add(fmt::format("init.{}[{}]", name, i), [&](const Workload& w) -> std::optional<Value> {
          const Value* v = find_init(w);
          const auto* items = v ? std::get_if<ValueList>(&v->is) : nullptr;
          if (!items || i >= items->size()) return std::nullopt;
          return (*items)[i];
        });
  }
  const auto add_tensors = [&](bool inputs) {
    for (const NamedTensor& tensor : workloads[0]->tensors) {
      if ((tensor.role == Role::input) != inputs || tensor.role == Role::constant) continue;
      add_shape(tensor.name, tensor.spec.shape.size(), [&](const Workload& w) -> const TensorSpec* {
        const auto found = specs[&w].find(tensor.name);
        return found == specs[&w].end() ? nullptr : found->second;
      });
    }
  };
  add_tensors(true);
  for (std::size_t i = 0; i < workloads[0]->outputs.size(); ++i)
    add_shape(workloads[0]->output_name(i), workloads[0]->outputs[i].shape.size(),
              [&](const Workload& w) -> const TensorSpec* { return i < w.outputs.size() ? &w.outputs[i] : nullptr; });
  add_tensors(false);
}

std::optional<std::string> Atoms::find_integer(const std::vector<std::int64_t>& values,
                                               const std::vector<std::size_t>& at) const {
  std::vector<std::pair<const std::string*, std::vector<std::int64_t>>> usable;
  for (const Atom& atom : atoms_) {
    std::vector<std::int64_t> v;
    for (const std::size_t w : at)
      if (const auto i = integer(atom.values[w])) v.push_back(*i);
    if (v.size() == at.size()) usable.emplace_back(&atom.text, std::move(v));
  }
  const auto matches = [&](auto&& f) {
    for (std::size_t k = 0; k < at.size(); ++k) {
      const std::optional<std::int64_t> got = f(k);
      if (!got || *got != values[at[k]]) return false;
    }
    return true;
  };
  for (const auto& [text, v] : usable)
    if (matches([&v = v](std::size_t k) { return std::optional(v[k]); })) return *text;
  for (const auto& [text, v] : usable) {  // atom + c, atom - c, atom * c, atom // c
    const std::int64_t first = values[at[0]];
    const std::int64_t difference = first - v[0];
    if (difference != 0 && std::abs(difference) <= 64 &&
        matches([&, &v = v](std::size_t k) { return std::optional(v[k] + difference); }))
      return fmt::format("{} {} {}", *text, difference > 0 ? '+' : '-', std::abs(difference));
    if (v[0] != 0 && first % v[0] == 0 && first != 0) {
      const std::int64_t factor = first / v[0];
      if (matches([&, &v = v](std::size_t k) { return std::optional(v[k] * factor); }))
        return fmt::format("{} * {}", *text, factor);
    }
    for (std::int64_t c = 2; c <= 64; ++c)
      if (v[0] / c == first && matches([&, &v = v](std::size_t k) { return std::optional(v[k] / c); }))
        return fmt::format("{} // {}", *text, c);
  }
  const std::size_t n = std::min(usable.size(), max_pair_atoms);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) {
      const auto& x = usable[a].second;
      const auto& y = usable[b].second;
      const auto combine = [&](char sign, auto&& f) -> std::optional<std::string> {
        if (!matches(f)) return std::nullopt;
        return sign == '/' ? fmt::format("{} // {}", *usable[a].first, *usable[b].first)
                           : fmt::format("{} {} {}", *usable[a].first, sign, *usable[b].first);
      };
      if (a <= b) {
        if (auto r = combine('*', [&](std::size_t k) { return std::optional(x[k] * y[k]); })) return r;
        if (auto r = combine('+', [&](std::size_t k) { return std::optional(x[k] + y[k]); })) return r;
      }
      if (a != b) {
        if (auto r = combine('-', [&](std::size_t k) { return std::optional(x[k] - y[k]); })) return r;
        const auto quotient = [&](std::size_t k) -> std::optional<std::int64_t> {
          if (y[k] == 0) return std::nullopt;
          return x[k] / y[k];
        };
        if (auto r = combine('/', quotient)) return r;
      }
    }
  // Products of three, for flattened shapes.
  for (std::size_t a = 0; a < std::min<std::size_t>(n, 24); ++a)
    for (std::size_t b = a; b < std::min<std::size_t>(n, 24); ++b)
      for (std::size_t c = b; c < std::min<std::size_t>(n, 24); ++c)
        if (matches([&](std::size_t k) {
              return std::optional(usable[a].second[k] * usable[b].second[k] * usable[c].second[k]);
            }))
          return fmt::format("{} * {} * {}", *usable[a].first, *usable[b].first, *usable[c].first);
  return std::nullopt;
}

std::optional<std::string> Atoms::find_real(const std::vector<double>& values,
                                            const std::vector<std::size_t>& at) const {
  const auto close = [](double a, double b) { return a == b || std::abs(a - b) <= 1e-12 * std::abs(b); };
  struct Form {
    const char* text;
    double (*f)(double);
  };
  static constexpr Form forms[] = {{"{}", [](double x) { return x; }},
                                   {"-{}", [](double x) { return -x; }},
                                   {"1 / {}", [](double x) { return 1 / x; }},
                                   {"{} ** 0.5", [](double x) { return std::sqrt(x); }},
                                   {"{} ** -0.5", [](double x) { return 1 / std::sqrt(x); }},
                                   {"1 - {}", [](double x) { return 1 - x; }},
                                   {"{} / 2", [](double x) { return x / 2; }},
                                   {"{} * 2", [](double x) { return x * 2; }}};
  for (const Form& form : forms)
    for (const Atom& atom : atoms_) {
      const bool all = std::ranges::all_of(at, [&](std::size_t w) {
        const auto x = number(atom.values[w]);
        return x && close(form.f(*x), values[w]);
      });
      if (all) return fmt::format(fmt::runtime(form.text), atom.text);
    }
  for (const Atom& a : atoms_)
    for (const Atom& b : atoms_) {
      const auto all = [&](auto&& f) {
        return std::ranges::all_of(at, [&](std::size_t w) {
          const auto x = number(a.values[w]), y = number(b.values[w]);
          return x && y && close(f(*x, *y), values[w]);
        });
      };
      if (all([](double x, double y) { return x / y; })) return a.text + " / " + b.text;
      if (all([](double x, double y) { return x * y; })) return a.text + " * " + b.text;
      if (all([](double x, double y) { return 1 / std::sqrt(x / y); }))
        return "(" + a.text + " / " + b.text + ") ** -0.5";
    }
  return std::nullopt;
}

std::optional<std::string> Atoms::find(const std::vector<Value>& values, const std::vector<bool>& wanted) const {
  std::vector<std::size_t> at;
  for (std::size_t w = 0; w < count_; ++w)
    if (wanted[w]) at.push_back(w);
  const auto all = [&]<class T>(T*) {
    return std::ranges::all_of(at, [&](std::size_t w) { return std::holds_alternative<T>(values[w].is); });
  };
  for (const Atom& atom : atoms_)
    if (std::ranges::all_of(at, [&](std::size_t w) { return atom.values[w] && *atom.values[w] == values[w]; }))
      return atom.text;
  if (all(static_cast<std::int64_t*>(nullptr))) {
    std::vector<std::int64_t> integers(count_);
    for (const std::size_t w : at) integers[w] = std::get<std::int64_t>(values[w].is);
    return find_integer(integers, at);
  }
  if (all(static_cast<bool*>(nullptr))) {
    for (const Atom& atom : atoms_)
      if (std::ranges::all_of(at, [&](std::size_t w) {
            const auto* b = atom.values[w] ? std::get_if<bool>(&atom.values[w]->is) : nullptr;
            return b && *b != std::get<bool>(values[w].is);
          }))
        return "not " + atom.text;
    return std::nullopt;
  }
  std::vector<double> reals(count_);
  for (const std::size_t w : at) {
    const auto x = number(values[w]);
    if (!x) return std::nullopt;
    reals[w] = *x;
  }
  return find_real(reals, at);
}

std::string Atoms::predicate(const std::vector<bool>& wanted) const {
  if (std::ranges::all_of(wanted, [](bool b) { return b; })) return "";
  const auto equal = [](const Atom& atom, const Value& value) {
    return fmt::format("{} == {}", atom.text, to_string(value));
  };
  std::vector<std::string> terms;
  std::vector<bool> left_out(count_, false);  // unwanted workloads that the terms so far exclude
  for (const Atom& atom : atoms_) {
    if (!atom.values[0]) continue;
    const Value& primary = *atom.values[0];
    bool constant = true, useful = false;
    for (std::size_t w = 0; w < count_; ++w) {
      const bool same = atom.values[w] && *atom.values[w] == primary;
      if (wanted[w] && !same) constant = false;
      if (!wanted[w] && !same && !left_out[w]) useful = true;
    }
    if (!constant || !useful) continue;
    terms.push_back(equal(atom, primary));
    // An index that another workload lacks would be an error, not false: compare ranks first (they come before shapes).
    for (std::size_t w = 0; w < count_; ++w)
      if (!wanted[w] && !(atom.values[w] && *atom.values[w] == primary)) left_out[w] = true;
  }
  bool complete = true;
  for (std::size_t w = 0; w < count_; ++w) complete = complete && (wanted[w] || left_out[w]);
  if (!complete) {  // no constant tells them apart: the wanted ones, spelled out by what varies
    std::string any;
    for (std::size_t w = 0; w < count_; ++w) {
      if (!wanted[w]) continue;
      std::string one;
      for (const Atom& atom : atoms_) {
        const bool varies = std::ranges::any_of(atom.values, [&](const auto& v) { return v != atom.values[0]; });
        if (!varies || !atom.values[w]) continue;
        one += (one.empty() ? "" : " and ") + equal(atom, *atom.values[w]);
      }
      if (!one.empty()) any += (any.empty() ? "(" : " or (") + one + ")";
    }
    return any.empty() ? "true" : any;
  }
  std::string text;
  for (const std::string& term : terms) text += (text.empty() ? "" : " and ") + term;
  return text;
}

}  // namespace kerf
