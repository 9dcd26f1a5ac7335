// Part of the binding: before TensorFlow starts, silences abseil's log if TF_CPP_MIN_LOG_LEVEL is 3, which abseil does
// not always obey by itself. Older TensorFlows obey that variable and lack this function.
#if __has_include("absl/log/globals.h")
#include <cstdlib>
#include <cstring>

#include "absl/log/globals.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
void SetMinLogLevel(LogSeverityAtLeast) __attribute__((weak));
ABSL_NAMESPACE_END
}  // namespace absl

__attribute__((constructor)) static void silence() {
  const char* level = getenv("TF_CPP_MIN_LOG_LEVEL");
  if (level && strcmp(level, "3") == 0 && absl::SetMinLogLevel)
    absl::SetMinLogLevel(absl::LogSeverityAtLeast::kInfinity);
}
#endif
