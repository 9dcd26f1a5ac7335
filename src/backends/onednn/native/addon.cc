// What the addon exports to JavaScript.
#include <omp.h>
#include <algorithm>
#include <atomic>
#include <string>
#include "arguments.h"
#include "convolution.h"
#include "dnnl_api.h"
#include "memory.h"
#include "threads.h"

namespace {

/** 64-byte aligned. */
Memory allocate(size_t bytes) { return {aligned_memory(bytes), bytes}; }

/**
 * oneDNN's parallel regions wait for the number of threads they expect, for ever if OpenMP gives them fewer: no
 * environment variable (OMP_DYNAMIC, OMP_THREAD_LIMIT, OMP_MAX_ACTIVE_LEVELS) may cause that. Starts the threads and
 * returns their number: no more than the system allows.
 */
int set_threads(int count) {
  thread_local int running = 1;  // this thread and those that OpenMP keeps for it
  const int allowed = std::max(1, std::min(count, omp_get_thread_limit()));
  const int used = allowed <= running ? allowed : running + startable_threads(allowed - running);
  omp_set_dynamic(0);
  omp_set_max_active_levels(1);
  omp_set_num_threads(used);
  int team = 1;
#pragma omp parallel
#pragma omp single
  team = omp_get_num_threads();
  if (team > 1) running = team;  // a team of one leaves the others waiting
  return used;
}

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

/** Scratch memory, primitives and OpenMP's settings belong to the process: one thread at a time may use them. */
void claim(Napi::Env env) {
  static std::atomic<bool> claimed{false};
  if (claimed.exchange(true)) throw Napi::Error::New(env, "another thread of this process uses it");
  env.AddCleanupHook([] { claimed = false; });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  claim(env);
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
