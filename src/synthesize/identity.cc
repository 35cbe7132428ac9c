#include "synthesize/identity.h"

#include "candidate/extension.h"
#include "synthesize/builtin/compose.h"

namespace kerf {

Result<Candidate> identity_plan(const Understood& problem, Language language) {
  const GeneralGraph graph = TRY(generalise(problem, GraphForm::exported));
  Candidate candidate =
      TRY(compose(problem, graph, {}, {"the library's own operators, as the model was exported"}, language));
  candidate.name = std::string("identity") + extension(language);
  return candidate;
}

}  // namespace kerf
