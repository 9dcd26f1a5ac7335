// Part of the binding: remembers its context, in which graph.cc defines functions. Linked with --wrap=TFE_NewContext.
#include "tensorflow/c/eager/c_api.h"

extern "C" {
TFE_Context* clr_context = nullptr;

TFE_Context* __real_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  return clr_context = __real_TFE_NewContext(options, status);
}
}
