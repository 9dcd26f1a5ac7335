// What JavaScript sees.
#include <omp.h>
#include <cstdlib>
#include <string>
#include "arguments.h"
#include "convolution.h"
#include "dnnl_api.h"
#include "memory.h"

namespace {

/** allocate(bytes): an ArrayBuffer at a multiple of 64 bytes, freed when JavaScript lets go of it. */
Napi::Value allocate(Arguments& a) {
  const size_t bytes = a.number();
  return Napi::ArrayBuffer::New(a.env(), aligned_memory(bytes), bytes, [](Napi::Env, void* data) { std::free(data); });
}

/** setThreads(n) */
void set_threads(Arguments& a) { omp_set_num_threads(a.integer()); }

/** widen(from bf16, to floats), narrow(from floats, to bf16) */
void widen(Arguments& a) {
  const auto* from = a.array<uint16_t>();
  const size_t count = a.length();
  kernels().elementwise->widen(from, a.floats(), count);
}
void narrow(Arguments& a) {
  const float* from = a.floats();
  const size_t count = a.length();
  kernels().elementwise->narrow(from, a.array<uint16_t>(), count);
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
  exports.Set("version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch));
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
