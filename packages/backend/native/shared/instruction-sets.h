/*
 * Compiles KERNELS, the name of a file, once for each set of instructions that a processor of the architecture may
 * have: NAME(x) names what belongs to a set, and WIDTH is the number of floats in its vectors. Each set has last digits
 * of its own.
 */
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define Floats NAME(Floats)
#define FloatsAt NAME(FloatsAt)
#define Ints NAME(Ints)
#define Bits NAME(Bits)
#define HalvesAt NAME(HalvesAt)
#define Eight NAME(Eight)

enum { BASE, AVX2, AVX512 };

/* 16 tries on any processor what AVX-512 computes: the compiler splits the vectors. */
#ifndef BASE_WIDTH
#define BASE_WIDTH 8
#endif

#define NAME(x) base_##x
#define WIDTH BASE_WIDTH
#include "vectors.h"
#include KERNELS
#undef NAME
#undef WIDTH

#if defined(__x86_64__)
#define HAS_AVX2
#define NAME(x) avx2_##x
#define WIDTH 8
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include "vectors.h"
#include KERNELS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef NAME
#undef WIDTH

#define HAS_AVX512
#define NAME(x) avx512_##x
#define WIDTH 16
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq"))),               \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")
#endif
#include "vectors.h"
#include KERNELS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef NAME
#undef WIDTH
#endif

#if defined(__aarch64__)
#define BASE_INSTRUCTIONS "NEON"
#elif defined(__x86_64__)
#define BASE_INSTRUCTIONS "SSE2"
#else
#define BASE_INSTRUCTIONS "no vector instructions"
#endif

/* By BASE, AVX2, AVX512. */
static const char *const instruction_names[] = {BASE_INSTRUCTIONS, "AVX2", "AVX-512"};

/* The widest that the processor has and whose registers the operating system saves: the compilers' runtime asks both. */
static int best_instructions(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return BASE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    return AVX512;
  return AVX2;
#else
  return BASE;
#endif
}
