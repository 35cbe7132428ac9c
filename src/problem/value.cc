#include "problem/value.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string spelled(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", number);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace

std::string to_string(const Value& value) {
  struct Speller {
    std::string operator()(std::monostate) const { return "none"; }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t i) const { return fmt::format("{}", i); }
    std::string operator()(double d) const { return spelled(d); }
    std::string operator()(const std::string& s) const { return quoted(s); }
    std::string operator()(const ValueList& list) const {
      std::string out = "[";
      for (const Value& each : list) {
        if (out.size() > 1) out += ", ";
        out += to_string(each);
      }
      return out + "]";
    }
  };
  return std::visit(Speller{}, value.is);
}

nlohmann::json to_json(const Value& value) {
  struct Writer {
    nlohmann::json operator()(std::monostate) const { return nullptr; }
    nlohmann::json operator()(bool b) const { return b; }
    nlohmann::json operator()(std::int64_t i) const { return i; }
    nlohmann::json operator()(double d) const {
      if (std::isfinite(d)) return d;
      return nlohmann::json{{"float", spelled(d)}};
    }
    nlohmann::json operator()(const std::string& s) const { return s; }
    nlohmann::json operator()(const ValueList& list) const {
      nlohmann::json out = nlohmann::json::array();
      for (const Value& each : list) out.push_back(to_json(each));
      return out;
    }
  };
  return std::visit(Writer{}, value.is);
}

Result<Value> value_from_json(const nlohmann::json& json) {
  using Type = nlohmann::json::value_t;
  switch (json.type()) {
    case Type::null:
      return Value{};
    case Type::boolean:
      return Value{json.get<bool>()};
    case Type::number_integer:
      return Value{json.get<std::int64_t>()};
    case Type::number_unsigned: {
      const auto number = json.get<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(INT64_MAX)) {
        return user_error(fmt::format("{} does not fit into 64 bits: use a smaller number", number));
      }
      return Value{static_cast<std::int64_t>(number)};
    }
    case Type::number_float:
      return Value{json.get<double>()};
    case Type::string:
      return Value{json.get<std::string>()};
    case Type::array: {
      ValueList list;
      for (const auto& each : json) list.push_back(TRY(value_from_json(each)));
      return Value{std::move(list)};
    }
    case Type::object:
      if (json.size() == 1 && json.contains("float") && json["float"].is_string()) {
        const auto text = json["float"].get<std::string>();
        if (text == "inf") return Value{INFINITY};
        if (text == "-inf") return Value{-INFINITY};
        if (text == "nan") return Value{NAN};
      }
      break;
    case Type::binary:
    case Type::discarded:
      break;
  }
  return user_error(fmt::format("{} is no plain value: expected null, a bool, a number, a string or a list",
                                json.is_discarded() ? std::string("this text") : json.dump()));
}

}  // namespace kerf
