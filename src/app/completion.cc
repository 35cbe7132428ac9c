#include "app/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace kerf {

namespace {

struct Flag {
  std::string name;  // "--budget"
  std::string what;
  bool takes_value = false;
};

struct Node {
  std::string path;  // "suite run"; empty for the top
  std::string what;
  std::vector<std::pair<std::string, std::string>> commands;
  std::vector<Flag> flags;
};

void walk(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{.path = path, .what = app.get_description(), .commands = {}, .flags = {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      node.flags.push_back(
          {.name = "--" + name, .what = option->get_description(), .takes_value = option->get_type_size_max() != 0});
    }
  }
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : subcommands) node.commands.emplace_back(sub->get_name(), sub->get_description());
  nodes.push_back(std::move(node));
  for (const CLI::App* sub : subcommands)
    walk(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), nodes);
}

std::string words_of(const Node& node) {
  std::string words;
  for (const auto& [name, what] : node.commands) words += name + " ";
  for (const Flag& flag : node.flags) words += flag.name + " ";
  if (!words.empty()) words.pop_back();
  return words;
}

std::string escaped(std::string text, std::string_view special) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (special.find(text[i]) == std::string_view::npos) continue;
    text.insert(i++, "\\");
  }
  return text;
}

std::string bash(const std::vector<Node>& nodes) {
  std::string text = R"(# kerf completion for bash
_kerf() {
  local cur="${COMP_WORDS[COMP_CWORD]}" path="" word i words
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word="${COMP_WORDS[i]}"
    case "${path:+$path }$word" in
)";
  std::vector<std::string> paths;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths.push_back('"' + node.path + '"');
  }
  text += fmt::format("      {}) path=\"${{path:+$path }}$word\" ;;\n    esac\n  done\n  case \"$path\" in\n",
                      fmt::join(paths, "|"));
  for (const Node& node : nodes) text += fmt::format("    \"{}\") words=\"{}\" ;;\n", node.path, words_of(node));
  text += R"(  esac
  if [[ $cur == -* || -z $path || $path == suite || $path == problem ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _kerf kerf
)";
  return text;
}

std::string zsh(const std::vector<Node>& nodes) {
  std::string text =
      "#compdef kerf\n# kerf completion for zsh\n_kerf() {\n  local path=\"\" word i\n  local -a options\n"
      "  for ((i = 2; i < CURRENT; ++i)); do\n    word=\"${words[i]}\"\n    case \"${path:+$path }$word\" in\n";
  std::vector<std::string> paths;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths.push_back('"' + node.path + '"');
  }
  text += fmt::format("      {}) path=\"${{path:+$path }}$word\" ;;\n    esac\n  done\n  case \"$path\" in\n",
                      fmt::join(paths, "|"));
  for (const Node& node : nodes) {
    text += fmt::format("    \"{}\") options=(", node.path);
    const auto entry = [](const std::string& name, const std::string& what) {
      return fmt::format(" \"{}:{}\"", name, escaped(what, "\"\\$`:"));
    };
    for (const auto& [name, what] : node.commands) text += entry(name, what);
    for (const Flag& flag : node.flags) text += entry(flag.name, flag.what);
    text += " ) ;;\n";
  }
  text += "  esac\n  _describe 'kerf' options\n  _files\n}\ncompdef _kerf kerf\n";
  return text;
}

std::string fish(const std::vector<Node>& nodes) {
  std::string text = "# kerf completion for fish\n";
  for (const Node& node : nodes) {
    std::string condition = "__fish_use_subcommand";
    if (!node.path.empty()) {
      condition.clear();
      std::string_view rest = node.path;
      while (!rest.empty()) {
        const auto end = rest.find(' ');
        condition +=
            fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ", rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      }
    }
    for (const auto& [name, what] : node.commands) {
      text += fmt::format("complete -c kerf -f -n '{}' -a {} -d '{}'\n", condition, name, escaped(what, "'\\"));
    }
    for (const Flag& flag : node.flags) {
      text += fmt::format("complete -c kerf -n '{}' -l {}{} -d '{}'\n", condition, flag.name.substr(2),
                          flag.takes_value ? " -r" : "", escaped(flag.what, "'\\"));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, std::string_view shell) {
  std::vector<Node> nodes;
  walk(app, "", nodes);
  if (shell == "zsh") return zsh(nodes);
  if (shell == "fish") return fish(nodes);
  return bash(nodes);
}

}  // namespace kerf
