// Cuts the text of an expression into tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "candidate/names.h"
#include "candidate/plan.h"
#include "problem/value.h"

namespace kerf {

struct ExpressionToken {
  enum class Kind : std::uint8_t { end, number, text, name, word, symbol };
  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::string_view text = {};
  Value value = {};  // number, text
  int name = 0;      // name
};

class ExpressionLexer {
 public:
  // Both must outlive the lexer.
  ExpressionLexer(const Located& text, const Names& names) : located_(text), text_(text.text), names_(names) {}

  // `attribute`: behind a dot, where a word is no name of the plan.
  [[nodiscard]] Result<ExpressionToken> next(bool attribute);

 private:
  ExpressionToken take(ExpressionToken token, std::size_t size);
  [[nodiscard]] Result<ExpressionToken> number(ExpressionToken token, std::string_view rest);
  [[nodiscard]] Result<ExpressionToken> quoted(ExpressionToken token, std::string_view rest);

  const Located& located_;
  std::string_view text_;
  const Names& names_;
  std::size_t at_ = 0;
};

}  // namespace kerf
