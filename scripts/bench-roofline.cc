// This processor's peak rates: multiply-adds in float32 and, if native, in bfloat16 (VDPBF16PS), from registers; and
// copying of buffers too large for any cache. Prints JSON: f32_gflops, bf16_gflops (null if not native), copy_gbs (read
// and write).
//   g++ -O3 -std=c++17 -march=native bench-roofline.cc -pthread -o bench-roofline && ./bench-roofline [THREADS]
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

constexpr int chains = 12;  // enough independent sums to hide the latency of a multiply-add
constexpr long rounds = 10'000'000;
static volatile float sink;

// Operations per second of all threads, the best of many short runs: a thread may start late.
static double rate(int threads, double operations, const std::function<void()>& work) {
  double best = 0;
  for (int n = 0; n < 20; n++) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; t++) workers.emplace_back(work);
    for (auto& worker : workers) worker.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, threads * operations / seconds.count());
  }
  return best;
}

template <class Vector, class Step> static void multiply_add(Vector one, Step step) {
  Vector sums[chains];
  for (int i = 0; i < chains; i++) sums[i] = one * float(i);
  for (long n = 0; n < rounds; n++) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; i++) sums[i] = step(sums[i]);
  }
  float total = 0;
  for (auto& sum : sums) total += sum[0];
  sink = total;
}

#if defined __AVX512F__
static void f32() {
  const __m512 x = _mm512_set1_ps(.999f), y = _mm512_set1_ps(1e-3f);
  multiply_add(y, [=](__m512 sum) { return _mm512_fmadd_ps(sum, x, y); });
}
constexpr int lanes = 16;
#elif defined __FMA__
static void f32() {
  const __m256 x = _mm256_set1_ps(.999f), y = _mm256_set1_ps(1e-3f);
  multiply_add(y, [=](__m256 sum) { return _mm256_fmadd_ps(sum, x, y); });
}
constexpr int lanes = 8;
#else
#error "needs a processor with FMA"
#endif

#if defined __AVX512BF16__
static void bf16() {
  const __m512 y = _mm512_set1_ps(1e-3f);
  const __m512bh pairs = _mm512_cvtne2ps_pbh(y, y);
  multiply_add(y, [=](__m512 sum) { return _mm512_dpbf16_ps(sum, pairs, pairs); });
}
#endif

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : int(std::thread::hardware_concurrency());
  const double operations = 2.0 * lanes * chains * rounds;
  std::string native = "null";
#if defined __AVX512BF16__
  native = std::to_string(rate(threads, 2 * operations, bf16) / 1e9);  // a vector holds two products per lane
#endif
  constexpr size_t bytes = size_t(256) << 20;
  std::vector<std::vector<char>> from(threads, std::vector<char>(bytes, 1)), to = from;
  std::atomic_int next{0};
  const double copied = rate(threads, 2.0 * bytes, [&] {
    const int mine = next++ % threads;
    std::memcpy(to[mine].data(), from[mine].data(), bytes);
  });
  std::printf("{\"f32_gflops\": %.1f, \"bf16_gflops\": %s, \"copy_gbs\": %.1f}\n", rate(threads, operations, f32) / 1e9,
              native.c_str(), copied / 1e9);
}
