#include "app/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/words.h"

namespace kerf {

namespace {

constexpr std::size_t series_colours = 4;

std::string colour(std::size_t series) { return fmt::format("var(--series-{})", series % series_colours); }

std::string svg(double width, double height, const std::string& title, const std::string& body) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" role=\"img\" aria-label=\"{}\" "
      "font-size=\"11\">\n{}</svg>\n",
      width, height, width, escape_markup(title), body);
}

std::string line(double x1, double y1, double x2, double y2, const char* stroke, double width = 1) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" stroke-width=\"{}\"/>\n", x1, y1, x2,
      y2, stroke, width);
}

std::string text(double x, double y, std::string_view words, const char* anchor = "start",
                 const char* fill = "var(--ink)") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, anchor, fill,
                     escape_markup(words));
}

// A logarithmic axis over positive values, with 1 on it, and where it has its ticks.
struct LogAxis {
  double low = 1, high = 1;   // ends
  double begin = 0, end = 1;  // in pixels
  [[nodiscard]] double at(double value) const {
    const double share = std::log(std::clamp(value, low, high) / low) / std::log(high / low);
    return begin + share * (end - begin);
  }
  [[nodiscard]] std::vector<double> ticks() const {
    std::vector<double> found;
    if (high / low > 3) {
      const bool wide = high / low > 1000;
      for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10) {
        for (const double step : {1.0, 2.0, 5.0}) {
          if ((!wide || step == 1) && decade * step >= low * 0.999 && decade * step <= high * 1.001)
            found.push_back(decade * step);
        }
      }
      return found;
    }
    double step = 0.001;
    for (int i = 0; (high - low) / step > 8; ++i) step *= i % 3 == 1 ? 2.5 : 2;  // 1, 2, 5, 10, …
    for (double k = std::ceil(low / step); k * step <= high; ++k) found.push_back(k * step);
    return found;
  }
};

LogAxis axis_over(const std::vector<const Ratio*>& values, double least, double most) {
  LogAxis axis{.low = least, .high = most};
  for (const Ratio* r : values) {
    axis.low = std::min(axis.low, r->low);
    axis.high = std::max(axis.high, r->high);
  }
  // A wild interval does not push all others into a corner.
  axis.low = std::max(axis.low / 1.03, 1e-3);
  axis.high = std::min(axis.high * 1.03, 1e4);
  return axis;
}

bool drawable(const Ratio& r) { return r.low > 0 && r.value > 0 && std::isfinite(r.high) && r.high > 0; }

std::string x_axis(const LogAxis& axis, double top, double bottom, const std::string& words) {
  std::string body;
  for (const double tick : axis.ticks()) {
    const double x = axis.at(tick);
    body += line(x, top, x, bottom, "var(--grid)");
    body += text(x, bottom + 14, fmt::format("{:.4g}", tick), "middle", "var(--faint)");
  }
  body += line(axis.at(1), top, axis.at(1), bottom, "var(--ink)", 1.2);
  body += text((axis.begin + axis.end) / 2, bottom + 30, words, "middle");
  return body;
}

std::string legend(const std::vector<std::string>& names, double x, double y) {
  std::string body;
  for (std::size_t i = 0; i < names.size(); ++i) {
    body += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x + 4, y - 4, colour(i));
    body += text(x + 13, y, names[i]);
    x += 30 + 6.2 * static_cast<double>(columns_of(names[i]));
  }
  return body;
}

// The path of the share of `sorted` above x: down by one at each value.
std::string steps(const std::vector<double>& sorted, int total, const LogAxis& axis, double top, double bottom,
                  bool backwards) {
  const auto y = [&](std::size_t above) {
    return bottom - (bottom - top) * static_cast<double>(above) / std::max(1, total);
  };
  std::vector<std::pair<double, double>> points{{axis.begin, y(sorted.size())}};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    points.emplace_back(axis.at(sorted[i]), points.back().second);
    points.emplace_back(axis.at(sorted[i]), y(sorted.size() - i - 1));
  }
  points.emplace_back(axis.end, points.back().second);
  if (backwards) std::ranges::reverse(points);
  std::string path;
  for (const auto& [px, py] : points)
    path += fmt::format("{}{:.1f},{:.1f}", path.empty() && !backwards ? "M" : "L", px, py);
  return path;
}

std::vector<double> sorted(const std::vector<Ratio>& values, double Ratio::* member) {
  std::vector<double> all;
  for (const Ratio& r : values) {
    if (drawable(r)) all.push_back(r.*member);
  }
  std::ranges::sort(all);
  return all;
}

std::string whisker(const Ratio& r, const LogAxis& axis, double y, std::size_t series, const std::string& title) {
  const std::string stroke = colour(series);
  const bool sure = r.win() || r.loss();
  return fmt::format(
      "<g><title>{}</title><line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
      "stroke-width=\"2\"/><circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.2\" stroke=\"{}\" stroke-width=\"1.4\" "
      "fill=\"{}\"/></g>\n",
      escape_markup(title), axis.at(r.low), y, axis.at(r.high), y, stroke, axis.at(r.value), y, stroke,
      sure ? stroke : "var(--page)");
}

}  // namespace

std::string escape_markup(std::string_view words) {
  std::string escaped;
  for (const char c : words) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
    }
  }
  return escaped;
}

std::string share_plot(const std::vector<ShareCurve>& curves, const std::string& axis_words) {
  constexpr double width = 510, height = 320, left = 48, right = 12, top = 28, bottom = 270;
  std::vector<const Ratio*> all;
  std::vector<std::string> names;
  for (const ShareCurve& curve : curves) {
    names.push_back(curve.name);
    for (const Ratio& r : curve.values) {
      if (drawable(r)) all.push_back(&r);
    }
  }
  LogAxis axis = axis_over(all, 0.5, 2);
  axis.begin = left;
  axis.end = width - right;
  std::string body = x_axis(axis, top, bottom, axis_words);
  for (int percent = 0; percent <= 100; percent += 20) {
    const double y = bottom - (bottom - top) * percent / 100;
    body += line(left, y, width - right, y, "var(--grid)");
    body += text(left - 6, y + 4, fmt::format("{} %", percent), "end", "var(--faint)");
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const ShareCurve& c = curves[i];
    body += fmt::format("<path d=\"{}{}Z\" fill=\"{}\" opacity=\"0.18\"/>\n",
                        steps(sorted(c.values, &Ratio::high), c.total, axis, top, bottom, false),
                        steps(sorted(c.values, &Ratio::low), c.total, axis, top, bottom, true), colour(i));
    body += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                        steps(sorted(c.values, &Ratio::value), c.total, axis, top, bottom, false), colour(i));
  }
  body += legend(names, left, 16);
  return svg(width, height, axis_words, body);
}

std::string forest_plot(const std::vector<std::string>& series, const std::vector<ForestRow>& rows,
                        const std::string& axis_words, const std::string& bar_axis) {
  const bool bars = std::ranges::any_of(rows, [](const ForestRow& row) { return row.bar.has_value(); });
  std::size_t longest = 6;
  for (const ForestRow& row : rows) longest = std::max(longest, columns_of(row.label));
  const double per_row = 10 + 7.0 * static_cast<double>(std::max<std::size_t>(1, series.size()));
  const double left = 16 + 6.4 * static_cast<double>(std::min<std::size_t>(longest, 36)), top = 30;
  const double bottom = top + per_row * static_cast<double>(rows.size()) + 4;
  constexpr double main_width = 520, bar_width = 160, gap = 28;
  std::vector<const Ratio*> all;
  for (const ForestRow& row : rows) {
    for (const auto& value : row.values) {
      if (value && drawable(*value)) all.push_back(&*value);
    }
  }
  LogAxis axis = axis_over(all, 0.9, 1.1);
  axis.begin = left;
  axis.end = left + main_width;
  const double bar_left = axis.end + gap, width = bars ? bar_left + bar_width + 40 : axis.end + 16;
  std::string body;
  for (std::size_t i = 0; i < rows.size(); i += 2)
    body += fmt::format("<rect x=\"0\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"var(--band)\"/>\n",
                        top + per_row * static_cast<double>(i) + 2, width, per_row);
  body += x_axis(axis, top, bottom, axis_words);
  if (bars) {
    for (int percent = 0; percent <= 100; percent += 50) {
      const double x = bar_left + bar_width * percent / 100;
      body += line(x, top, x, bottom, "var(--grid)");
      body += text(x, bottom + 14, fmt::format("{} %", percent), "middle", "var(--faint)");
    }
    body += text(bar_left + bar_width / 2, bottom + 30, bar_axis, "middle");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ForestRow& row = rows[i];
    const double middle = top + per_row * (static_cast<double>(i) + 0.5) + 2;
    body += text(left - 8, middle + 4, fit(row.label, 36), "end");
    bool drawn = false;
    for (std::size_t s = 0; s < row.values.size(); ++s) {
      if (!row.values[s] || !drawable(*row.values[s])) continue;
      const double y = middle + 7.0 * (static_cast<double>(s) - 0.5 * static_cast<double>(series.size() - 1));
      body += whisker(*row.values[s], axis, y, s,
                      fmt::format("{}: {}, {}", row.label, series[s], ratio_words(*row.values[s])));
      drawn = true;
    }
    if (!drawn) body += text(left + 6, middle + 4, fit(row.instead, 80), "start", "var(--faint)");
    if (row.bar && std::isfinite(*row.bar)) {
      const double length = bar_width * std::clamp(*row.bar, 0.0, 1.05);
      body += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"8\" fill=\"var(--series-2)\"/>\n",
                          bar_left, middle - 4, length);
      body += text(bar_left + length + 4, middle + 4, percent_words(*row.bar), "start", "var(--faint)");
    }
  }
  body += legend(series, left, 16);
  return svg(width, bottom + 38, axis_words, body);
}

}  // namespace kerf
