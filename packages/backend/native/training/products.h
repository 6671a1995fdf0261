/* Loads and stores of a few numbers, and products. */

/* The last `count` (under WIDTH) numbers from `p`, with zeros behind them; and back. */
INLINE Floats NAME(load_few)(const float *p, int count) {
  float values[WIDTH] = {0};
  for (int i = 0; i < count; i++) values[i] = p[i];
  return NAME(load)(values);
}
INLINE void NAME(put_few)(float *p, Floats x, int count) {
  for (int i = 0; i < count; i++) p[i] = x[i];
}

/*
 * c (+)= a b: c [m, n] with n a multiple of WIDTH, a's entry (i, k) at a[i · row + k · step], b [depth, n].
 * Sums run along k in order.
 */
INLINE void NAME(strip)(const int vectors, const int rows, int depth, const float *a, size_t row, size_t step,
                        const float *b, size_t b_stride, float *c, size_t c_stride, int add) {
  Floats sums[8];
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) sums[i * vectors + v] = add ? NAME(load)(c + i * c_stride + WIDTH * v) : NAME(splat)(0);
  for (int k = 0; k < depth; k++, b += b_stride, a += step) {
    const Floats b0 = NAME(load)(b), b1 = vectors > 1 ? NAME(load)(b + WIDTH) : b0;
    for (int i = 0; i < rows; i++) {
      const Floats factor = NAME(splat)(a[i * row]);
      sums[i * vectors] += factor * b0;
      if (vectors > 1) sums[i * vectors + 1] += factor * b1;
    }
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < vectors; v++) NAME(put)(c + i * c_stride + WIDTH * v, sums[i * vectors + v]);
}

static void NAME(multiply)(int m, int n, int depth, const float *a, size_t row, size_t step, const float *b,
                           size_t b_stride, float *c, size_t c_stride, int add) {
#define STRIP(vectors, rows) \
  NAME(strip)(vectors, rows, depth, a + i * row, row, step, b + j, b_stride, c + i * c_stride + j, c_stride, add)
  for (int j = 0; j < n;) {
    const int two = n - j >= 2 * WIDTH;
    int i = 0;
    if (!two)
      for (; i + 8 <= m; i += 8) STRIP(1, 8);
    for (; i + 4 <= m; i += 4) {
      if (two) STRIP(2, 4);
      else STRIP(1, 4);
    }
    for (; i < m; i++) {
      if (two) STRIP(2, 1);
      else STRIP(1, 1);
    }
    j += two ? 2 * WIDTH : WIDTH;
  }
#undef STRIP
}

/* `multiply` with any n. */
static void NAME(product)(int m, int n, int depth, const float *a, size_t row, size_t step, const float *b,
                          size_t b_stride, float *c, size_t c_stride, int add) {
  const int whole = n / WIDTH * WIDTH;
  NAME(multiply)(m, whole, depth, a, row, step, b, b_stride, c, c_stride, add);
  for (int i = 0; i < m; i++)
    for (int j = whole; j < n; j++) {
      float sum = add ? c[i * c_stride + j] : 0;
      for (int k = 0; k < depth; k++) sum += a[i * row + k * step] * b[k * b_stride + j];
      c[i * c_stride + j] = sum;
    }
}
