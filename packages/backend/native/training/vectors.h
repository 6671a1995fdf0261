/* Eight numbers at a time. Compiled once per instruction set: NAME(x) names its functions. */



INLINE F8 NAME(load)(const float *p) { return *(const F8U *)p; }
INLINE void NAME(put)(float *p, F8 x) { *(F8U *)p = x; }
INLINE F8 NAME(splat)(float x) { return (F8){x, x, x, x, x, x, x, x}; }
INLINE float NAME(sum)(F8 x) { return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7])); }
INLINE F8 NAME(select)(I8 mask, F8 a, F8 b) { return (F8)((mask & (I8)a) | (~mask & (I8)b)); }

/* eˣ by Cody and Waite's reduction and Cephes' polynomial, relative error 2e-7; 0 below -87. */
INLINE F8 NAME(exp)(F8 x) {
  const F8 low = NAME(splat)(-87.0f), high = NAME(splat)(88.0f);
  const I8 tiny = x < low;
  x = NAME(select)(x < low, low, x);
  x = NAME(select)(x > high, high, x);
  /* Adding 1.5 · 2²³ rounds to a whole number. */
  const F8 round = NAME(splat)(12582912.0f);
  const F8 n = (x * 1.44269504088896341f + round) - round;
  const F8 r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  F8 p = NAME(splat)(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + (r + 1.0f);
  const I8 power = (__builtin_convertvector(n, I8) + 127) << 23;
  return NAME(select)(tiny, NAME(splat)(0), p * (F8)power);
}

/* The last `count` (under 8) numbers from `p`, with zeros behind them; and back. */
INLINE F8 NAME(load_few)(const float *p, int count) {
  float values[8] = {0};
  for (int i = 0; i < count; i++) values[i] = p[i];
  return NAME(load)(values);
}
INLINE void NAME(put_few)(float *p, F8 x, int count) {
  for (int i = 0; i < count; i++) p[i] = x[i];
}

/*
 * c (+)= a b: c [m, n] with n a multiple of 8 and m of 4, a's entry (i, k) at a[i · row + k · step], b [depth, n].
 * Sums run along k in order.
 */
INLINE void NAME(strip)(const int vectors, const int rows, int depth, const float *a, size_t row, size_t step,
                        const float *b, size_t b_stride, float *c, size_t c_stride, int add) {
  F8 sums[8];
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) sums[i * vectors + v] = add ? NAME(load)(c + i * c_stride + 8 * v) : NAME(splat)(0);
  for (int k = 0; k < depth; k++, b += b_stride, a += step) {
    const F8 b0 = NAME(load)(b), b1 = vectors > 1 ? NAME(load)(b + 8) : b0;
    for (int i = 0; i < rows; i++) {
      const F8 factor = NAME(splat)(a[i * row]);
      sums[i * vectors] += factor * b0;
      if (vectors > 1) sums[i * vectors + 1] += factor * b1;
    }
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) NAME(put)(c + i * c_stride + 8 * v, sums[i * vectors + v]);
}

static void NAME(multiply)(int m, int n, int depth, const float *a, size_t row, size_t step, const float *b,
                           size_t b_stride, float *c, size_t c_stride, int add) {
  for (int j = 0; j < n;) {
    const int two = n - j >= 16;
    for (int i = 0; i < m; i += 4) {
      if (two) NAME(strip)(2, 4, depth, a + i * row, row, step, b + j, b_stride, c + i * c_stride + j, c_stride, add);
      else NAME(strip)(1, 4, depth, a + i * row, row, step, b + j, b_stride, c + i * c_stride + j, c_stride, add);
    }
    j += two ? 16 : 8;
  }
}
