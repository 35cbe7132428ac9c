#include "synthesize/builtin/emit/emit.h"

#include "synthesize/builtin/emit/cpp.h"
#include "synthesize/builtin/emit/cuda.h"
#include "synthesize/builtin/emit/triton.h"

namespace kerf {

bool has_emitter(Language language) {
  return language == Language::cpp || language == Language::cuda || language == Language::triton;
}

Result<Emitted> emit(Language language, const Region& region, const Schedule& schedule, const std::string& name,
                     const std::string& tune) {
  if (language == Language::triton) return emit_triton(region, schedule, name, tune);
  return language == Language::cuda ? emit_cuda(region, schedule, name, tune) : emit_cpp(region, schedule, name, tune);
}

std::string helpers(Language language, const std::vector<std::string>& used) {
  if (language == Language::triton) return triton_helpers(used);
  return language == Language::cuda ? cuda_helpers(used) : cpp_helpers(used);
}

}  // namespace kerf
