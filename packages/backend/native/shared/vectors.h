/*
 * WIDTH numbers at a time, in the compilers' own notation, of which they make what the processor has. Included once per
 * instruction set (instruction-sets.h): NAME(x) names its types and functions.
 */

typedef float NAME(Floats) __attribute__((vector_size(4 * WIDTH)));
typedef float NAME(FloatsAt) __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef int32_t NAME(Ints) __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t NAME(Bits) __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t NAME(HalvesAt) __attribute__((vector_size(2 * WIDTH), aligned(2), may_alias));
typedef float NAME(Eight) __attribute__((vector_size(32)));

INLINE Floats NAME(load)(const float *p) { return *(const FloatsAt *)p; }
INLINE void NAME(put)(float *p, Floats x) { *(FloatsAt *)p = x; }

/* As `put`, past the caches where the processor can, at a multiple of the vector's size; `end_streams` comes after. */
INLINE void NAME(stream)(float *p, Floats x) {
#if defined(HAS_AVX512)
  _mm512_stream_ps(p, (__m512)x);
#elif defined(HAS_AVX2)
  _mm256_stream_ps(p, (__m256)x);
#else
  NAME(put)(p, x);
#endif
}

/* Makes what was streamed visible to other threads before what is written next. */
INLINE void NAME(end_streams)(void) {
#if defined(HAS_AVX2)
  _mm_sfence();
#endif
}

INLINE Floats NAME(splat)(float x) { return x - (Floats){0}; }

/* Eight sums: of lanes 0 and 8, 1 and 9, and so on where there are sixteen. */
INLINE Eight NAME(fold)(Floats x) {
#if defined(HAS_AVX512)
  return (Eight)_mm512_castps512_ps256((__m512)x) + (Eight)_mm512_extractf32x8_ps((__m512)x, 1);
#elif WIDTH == 16
  Eight halves[2];
  memcpy(halves, &x, sizeof x);
  return halves[0] + halves[1];
#else
  return x;
#endif
}

INLINE float NAME(sum)(Floats x) {
  const Eight e = NAME(fold)(x);
  return ((e[0] + e[1]) + (e[2] + e[3])) + ((e[4] + e[5]) + (e[6] + e[7]));
}

INLINE Floats NAME(select)(Ints mask, Floats a, Floats b) { return (Floats)((mask & (Ints)a) | (~mask & (Ints)b)); }

/* a > b ? a : b, and a < b ? a : b. */
INLINE Floats NAME(larger)(Floats a, Floats b) {
#if defined(HAS_AVX512)
  return (Floats)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(HAS_AVX2)
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return NAME(select)(a > b, a, b);
#endif
}
INLINE Floats NAME(smaller)(Floats a, Floats b) {
#if defined(HAS_AVX512)
  return (Floats)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(HAS_AVX2)
  return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return NAME(select)(a < b, a, b);
#endif
}

/*
 * eˣ by Cody and Waite's reduction (x = n ln 2 + r) and Cephes' polynomial for eʳ, n into the exponent: relative error
 * 2e-7; 0 below -87.
 */
INLINE Floats NAME(exp)(Floats x) {
  const Floats low = NAME(splat)(-87.0f), high = NAME(splat)(88.0f);
  const Ints tiny = x < low;
  x = NAME(smaller)(high, NAME(larger)(low, x));
  /* Adding 1.5 · 2²³ rounds to a whole number. */
  const Floats round = NAME(splat)(12582912.0f);
  const Floats n = (x * 1.44269504088896341f + round) - round;
  const Floats r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Floats p = NAME(splat)(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + (r + 1.0f);
  const Ints power = (__builtin_convertvector(n, Ints) + 127) << 23;
  return NAME(select)(tiny, NAME(splat)(0), p * (Floats)power);
}
