#include "evaluate/verification_json.h"

#include "evaluate/evaluation.h"
#include "problem/json_fields.h"

namespace kerf {

std::string to_text(const Verification& v) {
  Evaluation e;
  e.verdict = v.finding ? v.finding->verdict : Verdict::measured;
  if (v.finding) {
    e.rule = v.finding->rule;
    e.message = v.finding->message;
    e.at = v.finding->at;
  }
  e.checks = v.checks;
  e.variants = v.variants;
  e.variants_supported = v.variants_supported;
  return to_json(e).dump();
}

Result<Verification> verification_from(const std::string& text) {
  const auto json = read_json(text);
  auto e = TRY(evaluation_from_json(json));
  Verification v;
  if (e.verdict != Verdict::measured) {
    v.finding =
        Finding{.verdict = e.verdict, .rule = e.rule.value_or(""), .message = e.message.value_or(""), .at = e.at};
  }
  v.checks = std::move(e.checks);
  v.variants = e.variants;
  v.variants_supported = e.variants_supported;
  return v;
}

}  // namespace kerf
