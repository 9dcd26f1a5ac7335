// What JavaScript sees.
#include <omp.h>
#include <string>
#include "arguments.h"
#include "convolution.h"
#include "dnnl_api.h"
#include "memory.h"

namespace {

/** At a multiple of 64 bytes. */
Memory allocate(size_t bytes) { return {aligned_memory(bytes), bytes}; }

void set_threads(int count) { omp_set_num_threads(count); }

void widen(Array<uint16_t> from, Floats to) {
  require_length(from.length, to);
  kernels().elementwise->widen(from, to, from.length);
}

void narrow(Floats from, Array<uint16_t> to) {
  require_length(from.length, to);
  kernels().elementwise->narrow(from, to, from.length);
}

bool native_bf16() {
#if defined(__x86_64__)
  return bf16_convolutions() && __builtin_cpu_supports("avx512bf16");
#else
  return bf16_convolutions();
#endif
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  const auto* version = dnnl_version();
  exports.Set("version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                             std::to_string(version->patch));
  exports.Set("level", kernels().level);
  exports.Set("nativeBf16", native_bf16());
  export_as<allocate>(exports, "allocate");
  export_as<set_threads>(exports, "setThreads");
  export_as<widen>(exports, "widen");
  export_as<narrow>(exports, "narrow");
  export_layers(exports);
  export_training(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(onednn, initialise)
