// A report that is written once and read as text in a terminal, as Markdown in a repository, or as a page of HTML that
// needs nothing beside it. Figures are in the page only.
#pragma once

#include <string>
#include <vector>

namespace kerf {

struct DocumentFigure {
  std::string heading;
  std::string svg;  // trusted markup (plot.h)
  std::string caption;
};

struct DocumentTable {
  std::string heading;                         // empty: none
  std::vector<std::vector<std::string>> rows;  // the first names the columns
  std::vector<std::size_t> right = {};         // right-aligned columns
  std::string note;                            // below it; empty: none
};

struct Document {
  std::string title;
  std::vector<std::string> lines;  // what matters most, a sentence each
  std::vector<DocumentFigure> figures;
  std::vector<DocumentTable> tables;
};

[[nodiscard]] std::string to_text(const Document& document);
[[nodiscard]] std::string to_markdown(const Document& document);
[[nodiscard]] std::string to_html(const Document& document);

}  // namespace kerf
