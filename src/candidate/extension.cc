#include "candidate/extension.h"

namespace kerf {

const char* extension(Language language) {
  switch (language) {
    case Language::cpp:
      return ".cpp";
    case Language::cuda:
      return ".cu";
    case Language::hip:
      return ".hip";
    case Language::triton:
    case Language::gluon:
      return ".py";
  }
  return ".txt";
}

}  // namespace kerf
