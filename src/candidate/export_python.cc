#include "candidate/export_python.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>

#include "candidate/export_support.h"
#include "candidate/plan_in_python.h"
#include "candidate/prototype.h"
#include "candidate/python_literal.h"

namespace kerf {
namespace {

class Writer {
 public:
  explicit Writer(const ExportRequest& request)
      : request_(request), plan_(request.source->plan), workload_(*request.workload), python_(plan_, workload_) {}

  Result<std::string> write() {
    const std::string supports = plan_.supports ? python_.translate(plan_.supports->text) : "True";
    TRY(steps());
    std::string text = "import torch as _torch\n\n";
    text += fmt::format("KERF_SOURCE = {}\n\n", python_block(source_text()));
    if (is_triton()) {
      std::vector<std::string> axes;
      for (const auto& [axis, value] : request_.tune)
        axes.push_back(fmt::format("{}: {}", python_string(axis), python_literal(value)));
      text += fmt::format("KERF_TUNE = {{{}}}\n", fmt::join(axes, ", "));
    } else {
      text += fmt::format("KERF_FLAGS = [{}]\n", quoted(request_.flags));
    }
    text += fmt::format("KERF_KERNELS = [{}]\n", quoted(kernels_of(*request_.source)));
    std::vector<const char*> contiguous;
    for (const TensorSpec& output : workload_.outputs) contiguous.push_back(output.contiguous() ? "True" : "False");
    text += fmt::format("KERF_OUTPUTS = [{}]  # whether they have to be contiguous\n", fmt::join(contiguous, ", "));
    std::vector<std::size_t> adopted;
    for (const Step& step : plan_.steps) {
      if (!adopts(step)) continue;
      for (const Located& out : step.out) adopted.push_back(output_index(out.text));
    }
    text += fmt::format("KERF_ADOPTED = [{}]  # outputs that are an operator's results\n", fmt::join(adopted, ", "));
    text += fmt::format("KERF_DEVICE = \"{}\"\n", gpu() ? "cuda" : "cpu");
    const bool prepares = std::ranges::any_of(plan_.steps, &Step::prepare);
    text += fmt::format("KERF_PREPARES = {}\n", prepares ? "True" : "False");
    text += fmt::format("KERF_EVAL = {}\n", request_.problem->mode == Mode::eval ? "True" : "False");
    text +=
        "# What the plan names: where it comes from, its dtype, whether it has to be contiguous.\nKERF_TENSORS = {\n";
    for (const NamedTensor& tensor : workload_.tensors) {
      if (tensor.role != Role::input && !python_.used(tensor.name)) continue;
      if (tensor.role == Role::constant) {
        return fail(
            ErrorKind::unavailable,
            fmt::format(
                "unavailable: the plan uses `{}`, a constant that tracing found and that the model's file has no "
                "name for; --format source gives the candidate itself",
                tensor.name));
      }
      text += fmt::format("    {}: (\"{}\", {}, {}),\n", python_string(tensor.name),
                          tensor.role == Role::input ? "input" : "state", torch_dtype(tensor.spec.dtype),
                          tensor.spec.contiguous() ? "True" : "False");
    }
    text += "}\n";
    text += export_python_support(request_.source->candidate.language);
    text += "\n\ndef _kerf_supports(named, init, outs):\n" + given(true) + fmt::format("    return {}\n", supports);
    std::vector<std::string> kept, locals;
    for (const std::string& name : prepared_) {
      kept.push_back(fmt::format("{}: {}", python_string(name), python_.name(name)));
      locals.push_back(fmt::format("    {} = prepared[{}]\n", python_.name(name), python_string(name)));
    }
    text += "\n\ndef _kerf_prepare(named, init):\n" + (prepare_.empty() ? "" : given(false) + prepare_) +
            fmt::format("    return {{{}}}\n", fmt::join(kept, ", "));
    text += fmt::format("\n\ndef _kerf_run(named, init, outs, prepared):\n{}{}{}", given(true), fmt::join(locals, ""),
                        body_);
    return text;
  }

 private:
  static std::string quoted(const std::vector<std::string>& texts) {
    std::vector<std::string> items;
    for (const std::string& text : texts) items.push_back(python_string(text));
    return fmt::format("{}", fmt::join(items, ", "));
  }

  [[nodiscard]] Language language() const { return request_.source->candidate.language; }
  [[nodiscard]] bool gpu() const { return language() != Language::cpp; }
  [[nodiscard]] bool is_triton() const { return language() == Language::triton || language() == Language::gluon; }

  std::string source_text() const {
    if (is_triton()) return request_.source->candidate.text;
    const std::string text = request_.prelude + "\n" + constants(request_.tune) + "#line 1 \"candidate\"\n" +
                             request_.source->candidate.text;
    return gpu() ? text : text + trailer(*request_.source) + std::string(export_launcher());
  }

  // Scratch that a text mentions and that nothing allocated yet, allocated before it is used: what has to be zeroed
  // together.
  void allocate(const std::string& indent, bool prepare) {
    std::vector<const Scratch*> zeroed;
    for (const Scratch& scratch : plan_.scratch) {
      if (python_.used(scratch.name)) allocate(scratch, indent, prepare, zeroed);
    }
    allocate_zeroed(indent, zeroed);
  }

  void allocate(const Scratch& scratch, const std::string& indent, bool prepare, std::vector<const Scratch*>& zeroed) {
    if (!allocated_.insert(scratch.name).second) return;
    const auto shaped_by = [&](const Scratch& other) {
      return std::ranges::any_of(scratch.shape,
                                 [&](const auto& extent) { return python_.names_in(extent).contains(other.name); });
    };
    for (const Scratch& other : plan_.scratch) {
      if (shaped_by(other)) allocate(other, indent, prepare, zeroed);
    }
    if (prepare) {
      prepared_.push_back(scratch.name);
      prepare_ +=
          fmt::format("{}{} = _torch.{}({}, dtype={}, device=_kerf_local.device)\n", indent, python_.name(scratch.name),
                      scratch.zero ? "zeros" : "empty", shape_of(scratch), torch_dtype(scratch.dtype));
      return;
    }
    if (std::ranges::any_of(zeroed, [&](const Scratch* other) { return shaped_by(*other); }))
      allocate_zeroed(indent, zeroed);
    if (scratch.zero) {
      zeroed.push_back(&scratch);
    } else {
      body_ += fmt::format("{}{} = _scratch{}\n", indent, python_.name(scratch.name), described(scratch));
    }
  }

  void allocate_zeroed(const std::string& indent, std::vector<const Scratch*>& zeroed) {
    if (zeroed.empty()) return;
    std::vector<std::string> names, wanted;
    for (const Scratch* scratch : zeroed) {
      names.push_back(python_.name(scratch->name));
      wanted.push_back(described(*scratch));
    }
    body_ += fmt::format("{}{}{} = _zeros({})\n", indent, fmt::join(names, ", "), names.size() == 1 ? "," : "",
                         fmt::join(wanted, ", "));
    zeroed.clear();
  }

  Result<> steps() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i];
      std::string& body = step.prepare ? prepare_ : body_;
      const bool first_of_loop =
          step.loop && (i == 0 || !plan_.steps[i - 1].loop || plan_.steps[i - 1].loop->text != step.loop->text);
      const std::string indent = step.loop ? "        " : "    ";
      if (first_of_loop) {
        // All scratch of the loop before it, once.
        std::size_t end = i;
        while (end < plan_.steps.size() && plan_.steps[end].loop && plan_.steps[end].loop->text == step.loop->text)
          ++end;
        for (std::size_t k = i; k < end; ++k) (void)TRY(line(plan_.steps[k]));
        const auto loop =
            std::ranges::find_if(plan_.loops, [&](const auto& each) { return each.first.text == step.loop->text; });
        const std::string count = python_.launch_argument(loop->second);
        allocate("    ", step.prepare);
        body += fmt::format("    for {} in range({}):\n", python_.use(step.loop->text), count);
      }
      const std::string does = TRY(line(step));
      allocate(indent, step.prepare);
      body += indent + does + "\n";
      if (!step.prepare) continue;
      for (const Located& out : step.out) {
        const bool ours = out.text != "_" && !python_.is_target(out.text);
        if (ours && std::ranges::find(prepared_, out.text) == prepared_.end()) prepared_.push_back(out.text);
      }
    }
    return {};
  }

  // Extents, bytes or a bool of what a language with blocks adds to a launch, by its name: ", block=[256]".
  std::string block_arguments(const Step& step) {
    std::string text;
    for (const auto& [key, argument] : step.keys) {
      if (const auto* list = std::get_if<PlanArgumentList>(&argument.is)) {
        std::vector<std::string> items;
        for (const PlanArgument& item : *list) items.push_back(python_.launch_argument(item));
        text += fmt::format(", {}=[{}]", key.text, fmt::join(items, ", "));
      } else if (const auto* table = std::get_if<PlanArgumentTable>(&argument.is)) {
        std::vector<std::string> items;
        for (const auto& [name, value] : *table)
          items.push_back(fmt::format("{}: {}", python_string(name.text), python_.launch_argument(value)));
        text += fmt::format(", {}={{{}}}", key.text, fmt::join(items, ", "));
      } else {
        text += fmt::format(", {}={}", key.text, python_.launch_argument(argument));
      }
    }
    return text;
  }

  [[nodiscard]] std::size_t output_index(std::string_view name) const {
    std::size_t i = 0;
    while (i < workload_.outputs.size() && workload_.output_name(i) != name) ++i;
    return i;
  }

  // Whether all that the step gives are outputs, and nothing else touches these.
  [[nodiscard]] bool adopts(const Step& step) const {
    return !step.out.empty() && std::ranges::all_of(step.out, [&](const Located& out) {
      return output_index(out.text) < workload_.outputs.size() && only_gives(plan_, step, out.text);
    });
  }

  // Whether all that the step gives is scratch that nothing has touched before: it may be the results themselves.
  [[nodiscard]] bool takes(const Step& step) const {
    return !step.out.empty() && !step.prepare && !step.loop && std::ranges::all_of(step.out, [&](const Located& out) {
      const auto scratch = std::ranges::find(plan_.scratch, out.text, &Scratch::name);
      return scratch != plan_.scratch.end() && !scratch->zero && !python_.used(out.text);
    });
  }

  // Name, dtype and shape of scratch that is not allocated, as _take has them.
  std::string scratch_like(std::string_view name) {
    const Scratch& scratch = *std::ranges::find(plan_.scratch, name, &Scratch::name);
    allocated_.insert(scratch.name);
    return described(scratch);
  }

  std::string described(const Scratch& scratch) {
    return fmt::format("({}, {}, {})", python_string(scratch.name), torch_dtype(scratch.dtype), shape_of(scratch));
  }

  std::string shape_of(const Scratch& scratch) {
    std::vector<std::string> extents;
    for (const PlanArgument& extent : scratch.shape) extents.push_back(python_.launch_argument(extent));
    return fmt::format("({}{})", fmt::join(extents, ", "), extents.size() == 1 ? "," : "");
  }

  // What is there besides inputs and outputs, and is given to a step behind this one.
  std::vector<std::string> still_used(const Step& step) {
    std::vector<std::string> found;
    if (!prepared_.empty()) found.emplace_back("prepared");
    const auto behind = std::span(plan_.steps).subspan(static_cast<std::size_t>(&step - plan_.steps.data()) + 1);
    const auto is_used = [&](const std::string& name) {
      return std::ranges::any_of(behind, [&](const Step& later) {
        return std::ranges::any_of(later.args, [&](const PlanArgument& a) { return mentions(a, name); }) ||
               std::ranges::any_of(later.kwargs, [&](const auto& a) { return mentions(a.second, name); });
      });
    };
    const auto add = [&](const std::string& name) {
      if (is_used(name)) found.push_back(python_.use(name));
    };
    for (const Scratch& scratch : plan_.scratch) {
      if (allocated_.contains(scratch.name)) add(scratch.name);
    }
    for (const Step& before : std::span(plan_.steps).first(static_cast<std::size_t>(&step - plan_.steps.data()))) {
      for (const Located& out : before.out) {
        if (!before.prepare && out.text != "_" && !python_.is_target(out.text)) add(out.text);
      }
    }
    return found;
  }

  Result<std::string> line(const Step& step) {
    if (step.kind == Step::Kind::launch) {
      std::vector<std::string> args, grid;
      for (const PlanArgument& argument : step.args) {
        if (!std::holds_alternative<PlanArgumentTable>(argument.is)) continue;
        return fail(ErrorKind::unavailable,
                    fmt::format("unavailable: {} takes a tensor map, which an exported file does not make; --format "
                                "source gives the candidate itself",
                                step.target.text));
      }
      for (const PlanArgument& argument : step.args) args.push_back(python_.launch_argument(argument));
      if (is_triton() && std::ranges::any_of(args, [](const std::string& a) { return a.starts_with("_f64("); })) {
        return fail(ErrorKind::unavailable,
                    fmt::format("unavailable: {} takes an f64, which Triton's JIT cannot be given; --format source "
                                "gives the candidate itself",
                                step.target.text));
      }
      for (const PlanArgument& extent : step.grid) grid.push_back(python_.launch_argument(extent));
      if (args.size() > 64) {
        return fail(ErrorKind::unavailable,
                    fmt::format("unavailable: {} takes {} arguments, an exported launch at most 64", step.target.text,
                                args.size()));
      }
      return fmt::format("_launch({}, [{}], [{}]{})", python_string(step.target.text), fmt::join(args, ", "),
                         fmt::join(grid, ", "), block_arguments(step));
    }
    const bool takes = this->takes(step);
    std::vector<std::string> args, kwargs, outs;
    for (const PlanArgument& argument : step.args) args.push_back(python_.call_argument(argument));
    for (const auto& [key, argument] : step.kwargs) {
      kwargs.push_back(fmt::format("{}: {}", python_string(key.text), python_.call_argument(argument)));
    }
    const std::string arguments = fmt::format("{}, [{}], {{{}}}", python_string(step.target.text),
                                              fmt::join(args, ", "), fmt::join(kwargs, ", "));
    bool all_written = true, any_written = false;
    for (const Located& out : step.out) {
      const bool written = python_.is_target(out.text);
      all_written = all_written && written;
      any_written = any_written || written;
      outs.push_back(out.text == "_" ? "_" : python_.use(out.text));
    }
    if (step.out.empty()) return fmt::format("_call({})", arguments);
    if (adopts(step)) {
      std::vector<std::string> targets;
      for (const Located& out : step.out) targets.push_back(fmt::format("outs[{}]", output_index(out.text)));
      return fmt::format("{}{} = _adopt({}, [{}])", fmt::join(targets, ", "), targets.size() == 1 ? "," : "", arguments,
                         fmt::join(targets, ", "));
    }
    if (takes) {
      const std::vector<std::string> others = still_used(step);
      std::vector<std::string> targets;
      for (const Located& out : step.out) targets.push_back(scratch_like(out.text));
      return fmt::format("{}{} = _take({}, [{}], [{}])", fmt::join(outs, ", "), outs.size() == 1 ? "," : "", arguments,
                         fmt::join(targets, ", "), fmt::join(others, ", "));
    }
    if (all_written) return fmt::format("_write({}, [{}])", arguments, fmt::join(outs, ", "));
    if (!any_written) {
      return fmt::format("{}{} = _call({})", fmt::join(outs, ", "), outs.size() == 1 ? "," : "", arguments);
    }
    // Some results are kept, others go into what is there already.
    std::vector<std::string> kept = outs, copies;
    for (std::size_t k = 0; k < outs.size(); ++k) {
      if (!python_.is_target(step.out[k].text)) continue;
      kept[k] = fmt::format("_result{}", k);
      copies.push_back(fmt::format("_copy({}, _result{})", outs[k], k));
    }
    return fmt::format("{} = _call({}); {}", fmt::join(kept, ", "), arguments, fmt::join(copies, "; "));
  }

  // Locals for what the plan uses of inputs, parameters, outputs, arguments of __init__ and tune axes. Prepare steps
  // see neither inputs nor outputs.
  std::string given(bool all) const {
    std::string text;
    for (const NamedTensor& tensor : workload_.tensors) {
      if (python_.used(tensor.name) && (all || tensor.role != Role::input))
        text += fmt::format("    {} = named[{}]\n", python_.name(tensor.name), python_string(tensor.name));
    }
    for (std::size_t i = 0; all && i < workload_.outputs.size(); ++i) {
      const std::string out = workload_.output_name(i);
      if (python_.used(out)) text += fmt::format("    {} = outs[{}]\n", python_.name(out), i);
    }
    for (const auto& [key, value] : workload_.init) {
      if (python_.used("init." + key))
        text += fmt::format("    {} = init[{}]\n", python_.name("init." + key), python_string(key));
    }
    for (const auto& [axis, value] : request_.tune) {
      if (python_.used(axis)) text += fmt::format("    {} = {}\n", python_.name(axis), python_literal(value));
    }
    if (python_.used("threads")) text += fmt::format("    {} = _torch.get_num_threads()\n", python_.name("threads"));
    return text;
  }

  const ExportRequest& request_;
  const Plan& plan_;
  const Workload& workload_;
  PlanInPython python_;
  std::set<std::string, std::less<>> allocated_;
  std::vector<std::string> prepared_;  // names that prepare steps give
  std::string prepare_, body_;
};

// The problem's text with its sizes as they were asked for, where an assignment is one plain line.
std::string problem_text(const Problem& problem) {
  std::string out;
  std::string_view rest = problem.source;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string written(line);
    for (const auto& [name, value] : problem.sizes) {
      if (!line.starts_with(name)) continue;
      std::string_view behind = line.substr(name.size());
      while (behind.starts_with(' ')) behind.remove_prefix(1);
      if (!behind.starts_with('=') || behind.starts_with("==")) continue;
      const bool whole = std::ranges::count_if(behind, [](char c) { return c == '(' || c == '[' || c == '{'; }) ==
                         std::ranges::count_if(behind, [](char c) { return c == ')' || c == ']' || c == '}'; });
      if (whole && !behind.ends_with('\\'))
        written = fmt::format("{} = {}  # here:{}", name, python_literal(value), behind.substr(1));
    }
    out += written + "\n";
  }
  return out;
}

}  // namespace

Result<std::string> export_python(const ExportRequest& request) {
  std::string text;
  if (!request.headline.empty()) text += fmt::format("# {}\n", request.headline);
  const Language language = request.source->candidate.language;
  const bool gpu = language != Language::cpp;
  const char* needed = !gpu                         ? "a C++ compiler"
                       : language == Language::cuda ? "an NVIDIA GPU and NVRTC"
                                                    : "an NVIDIA GPU and Triton";
  text += fmt::format("# Written by kerf for {}; needs PyTorch and, for its kernels, {}; no kerf.\n",
                      request.problem->id, needed);
  text += fmt::format(
      "# ModelNew(...) takes the place of Model(...) for inference. Where the plan does not support what it is given, "
      "or no\n# {} is there, it runs Model's own forward.\n\n",
      gpu ? "GPU" : "compiler");
  text += "# ---- the problem, as it was given ----\n" + problem_text(*request.problem);
  text += "\n\n# ---- what kerf found ----\n" + TRY(Writer(request).write());
  return text;
}

}  // namespace kerf
