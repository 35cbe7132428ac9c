#include "synthesize/identity.h"

#include "synthesize/builtin/compose.h"

namespace kerf {

Result<Candidate> identity_plan(const Understood& problem) {
  const GeneralGraph graph = TRY(generalise(problem, GraphForm::exported));
  Candidate candidate = TRY(compose(problem, graph, {}, {"the library's own operators, as the model was exported"}));
  candidate.name = "identity.cpp";
  return candidate;
}

}  // namespace kerf
