#include "app/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/plot.h"
#include "app/words.h"

namespace kerf {

namespace {

constexpr const char* style = R"(
:root { --page: #fff; --ink: #1b1f24; --faint: #667; --grid: #e3e6ea; --band: #f6f7f9;
        --series-0: #1f6fb4; --series-1: #d9730d; --series-2: #3f9a6b; --series-3: #8a5cc2; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --ink: #e6e9ee; --faint: #98a1ad; --grid: #2b3138; --band: #1a1e23;
          --series-0: #6cb2f0; --series-1: #f0a35a; --series-2: #6fcf9f; --series-3: #bb97ea; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 1080px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
svg { max-width: 100%; height: auto; font-family: inherit; } figure { margin: 0; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
figcaption, .note { color: var(--faint); font-size: 0.87rem; max-width: 65em; }
figcaption { width: 0; min-width: 100%; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.87rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.7rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid var(--grid); } td { border-bottom: 1px solid var(--grid); }
th, .right { white-space: nowrap; } .right { text-align: right; }
)";

std::string html_table(const DocumentTable& table) {
  std::string html = "<div class=\"wide\"><table>\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const char* const tag = i == 0 ? "th" : "td";
    html += i == 0 ? "<thead><tr>" : "<tr>";
    for (std::size_t k = 0; k < table.rows[i].size(); ++k) {
      const bool right = std::ranges::find(table.right, k) != table.right.end();
      html += fmt::format("<{}{}>{}</{}>", tag, right ? " class=\"right\"" : "", escape_markup(table.rows[i][k]), tag);
    }
    html += i == 0 ? "</tr></thead>\n<tbody>\n" : "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string to_text(const Document& document) {
  std::string out = document.title + "\n";
  for (const DocumentTable& t : document.tables) {
    out += "\n";
    if (!t.heading.empty()) out += t.heading + "\n";
    out += table(t.rows, t.right);
    if (!t.note.empty()) out += t.note + "\n";
  }
  out += "\n";
  // Last, where a terminal that scrolled stops.
  for (const std::string& line : document.lines) out += line + "\n";
  return out;
}

std::string to_markdown(const Document& document) {
  std::string out = "# " + document.title + "\n\n";
  for (const std::string& line : document.lines) out += "- " + line + "\n";
  for (const DocumentTable& t : document.tables) {
    out += "\n";
    if (!t.heading.empty()) out += "## " + t.heading + "\n\n";
    out += markdown_table(t.rows);
    if (!t.note.empty()) out += "\n" + t.note + "\n";
  }
  return out;
}

std::string to_html(const Document& document) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
      escape_markup(document.title), style, escape_markup(document.title));
  out += "<ul>\n";
  for (const std::string& line : document.lines) out += fmt::format("<li>{}</li>\n", escape_markup(line));
  out += "</ul>\n<div class=\"figures\">\n";
  for (const DocumentFigure& f : document.figures) {
    out += fmt::format("<figure><h2>{}</h2>\n{}<figcaption>{}</figcaption></figure>\n", escape_markup(f.heading), f.svg,
                       escape_markup(f.caption));
  }
  out += "</div>\n";
  for (const DocumentTable& t : document.tables) {
    if (!t.heading.empty()) out += fmt::format("<h2>{}</h2>\n", escape_markup(t.heading));
    out += html_table(t);
    if (!t.note.empty()) out += fmt::format("<p class=\"note\">{}</p>\n", escape_markup(t.note));
  }
  return out + "</body>\n</html>\n";
}

}  // namespace kerf
