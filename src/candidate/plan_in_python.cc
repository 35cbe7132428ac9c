#include "candidate/plan_in_python.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "candidate/expression.h"
#include "candidate/identifiers.h"
#include "candidate/python_literal.h"

namespace kerf {

const char* torch_dtype(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "_torch.float64";
    case Dtype::f32:
      return "_torch.float32";
    case Dtype::bf16:
      return "_torch.bfloat16";
    case Dtype::f16:
      return "_torch.float16";
    case Dtype::i64:
      return "_torch.int64";
    case Dtype::i32:
      return "_torch.int32";
    case Dtype::i16:
      return "_torch.int16";
    case Dtype::i8:
      return "_torch.int8";
    case Dtype::u8:
      return "_torch.uint8";
    case Dtype::boolean:
      return "_torch.bool";
  }
  return "?";
}

PlanInPython::PlanInPython(const Plan& plan, const Workload& workload) {
  for (const NamedTensor& tensor : workload.tensors) give(tensor.name), tensors_.insert(tensor.name);
  for (std::size_t i = 0; i < workload.outputs.size(); ++i) {
    give(workload.output_name(i));
    tensors_.insert(workload.output_name(i));
    targets_.insert(workload.output_name(i));
  }
  for (const auto& [key, value] : workload.init) give("init." + key);
  give("threads");
  for (const auto& [axis, values] : plan.tune) give(axis.text);
  for (const auto& [counter, count] : plan.loops) give(counter.text);
  for (const Scratch& scratch : plan.scratch) {
    give(scratch.name);
    tensors_.insert(scratch.name);
    targets_.insert(scratch.name);
  }
  for (const Step& step : plan.steps) {
    for (const Located& out : step.out) {
      if (out.text == "_") continue;
      give(out.text);
      tensors_.insert(out.text);
    }
  }
}

void PlanInPython::give(const std::string& plan_name) {
  if (names_in_python_.contains(plan_name)) return;
  names_.add(plan_name);
  std::string spelled;
  for (const char c : plan_name) spelled += is_name_part(c) ? c : '_';
  // Nothing of Python's, nothing of ours (which begins with an underscore), and no two alike.
  static const std::set<std::string, std::less<>> reserved = {
      "and",    "as",     "assert",   "async",   "await", "break", "class",  "continue", "def",    "del", "elif",
      "else",   "except", "False",    "finally", "for",   "from",  "global", "if",       "import", "in",  "is",
      "lambda", "None",   "nonlocal", "not",     "or",    "pass",  "raise",  "return",   "True",   "try", "while",
      "with",   "yield",  "min",      "max",     "abs",   "range", "float",  "named",    "init",   "outs"};
  spelled.erase(0, spelled.find_first_not_of('_'));
  if (spelled.empty() || (spelled.front() >= '0' && spelled.front() <= '9')) spelled.insert(0, "t");
  while (reserved.contains(spelled) || taken_.contains(spelled)) spelled += '_';
  taken_.insert(spelled);
  names_in_python_[plan_name] = spelled;
}

const std::string& PlanInPython::use(const std::string& plan_name) {
  used_.insert(plan_name);
  return names_in_python_.at(plan_name);
}

std::set<std::string, std::less<>> PlanInPython::names_in(const PlanArgument& argument) const {
  PlanInPython own = *this;
  own.used_.clear();
  (void)own.launch_argument(argument);
  return own.used_;
}

std::string PlanInPython::translate(std::string_view text) {
  std::string out;
  char before = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = std::min(text.find(c, i + 1), text.size() - 1);
      out += text.substr(i, end + 1 - i);
      i = end + 1;
    } else if (c >= '0' && c <= '9') {
      const std::size_t start = i;
      while (i < text.size() && (is_name_part(text[i]) || text[i] == '.')) ++i;
      out += text.substr(start, i - start);
    } else if (is_name_part(c)) {
      const auto known = before == '.' ? std::nullopt : names_.longest_prefix(text.substr(i));
      std::size_t size = 1;
      while (i + size < text.size() && is_name_part(text[i + size])) ++size;
      std::string_view word = text.substr(i, size);
      const std::size_t next = text.find_first_not_of(' ', i + size);
      const bool called = next != std::string_view::npos && text[next] == '(';
      if (known && !(called && is_function(names_.text(*known)))) {
        const std::string& plan_name = names_.text(*known);
        i += plan_name.size();
        if (text.substr(i).starts_with(".dtype")) {
          out += fmt::format("_dtype({})", use(plan_name));
          i += 6;
        } else {
          out += use(plan_name);
        }
      } else {
        i += size;
        static const std::map<std::string_view, std::string_view> words = {
            {"none", "None"},    {"true", "True"}, {"false", "False"}, {"cdiv", "_cdiv"}, {"next_pow2", "_next_pow2"},
            {"numel", "_numel"}, {"i32", "_i32"},  {"f32", "_f32"},    {"f64", "_f64"}};
        const auto ours = words.find(word);
        if (before == '.' && word == "stride")
          out += "stride()";
        else if (before != '.' && ours != words.end())
          out += ours->second;
        else
          out += word;
      }
    } else {
      out += c;
      ++i;
    }
    if (!out.empty() && out.back() != ' ') before = out.back();
  }
  return out;
}

std::string PlanInPython::launch_argument(const PlanArgument& argument) {
  const auto* text = std::get_if<Located>(&argument.is);
  if (text == nullptr) return python_literal(std::get<Value>(argument.is));
  if (text->text == "thread" && !names_in_python_.contains("thread")) return "_kerf_thread";
  if (tensors_.contains(text->text)) return use(text->text);
  return translate(text->text);
}

std::string PlanInPython::call_argument(const PlanArgument& argument) {
  if (const auto* list = std::get_if<PlanArgumentList>(&argument.is)) {
    std::vector<std::string> items;
    for (const PlanArgument& item : *list) items.push_back(call_argument(item));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  const auto* text = std::get_if<Located>(&argument.is);
  if (text == nullptr) return python_literal(std::get<Value>(argument.is));
  if (tensors_.contains(text->text)) return use(text->text);
  if (const auto dtype = dtype_from(text->text)) return torch_dtype(*dtype);
  static const std::set<std::string_view> formats = {"contiguous_format", "preserve_format", "channels_last",
                                                     "channels_last_3d"};
  if (formats.contains(text->text)) return "_torch." + text->text;
  if (text->text.ends_with(".dtype") && tensors_.contains(text->text.substr(0, text->text.size() - 6))) {
    return use(text->text.substr(0, text->text.size() - 6)) + ".dtype";
  }
  if (!Expression::parse(*text, names_)) return python_string(text->text);
  return translate(text->text);
}

}  // namespace kerf
