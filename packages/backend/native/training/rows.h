/* RMSNorm, SwiGLU and biases over rows (formulas: packages/policy/src/kernels/rms-norm.ts, swiglu.ts), TILE rows a task. */

static void NAME(rms_norm)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width, whole = width / WIDTH * WIDTH;
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *x = it->x + (size_t)row * width;
    float *y = it->y + (size_t)row * width;
    Floats squares = NAME(splat)(0);
    for (int i = 0; i < whole; i += WIDTH) squares += NAME(load)(x + i) * NAME(load)(x + i);
    float sum = NAME(sum)(squares);
    for (int i = whole; i < width; i++) sum += x[i] * x[i];
    const float inverse = 1 / sqrtf(sum / (float)width + it->epsilon);
    it->inverse[row] = inverse;
    for (int i = 0; i < width; i++) y[i] = x[i] * inverse * it->weight[i];
  }
}

static void NAME(rms_norm_gradient)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width, whole = width / WIDTH * WIDTH;
  float *dw = it->partial + (size_t)index * width;
  memset(dw, 0, (size_t)width * sizeof(float));
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *x = it->x + (size_t)row * width, *dy = it->dy + (size_t)row * width, inverse = it->inverse[row];
    float *dx = it->y + (size_t)row * width;
    Floats along = NAME(splat)(0);
    for (int i = 0; i < whole; i += WIDTH)
      along += NAME(load)(dy + i) * NAME(load)(it->weight + i) * (NAME(load)(x + i) * inverse);
    float sum = NAME(sum)(along);
    for (int i = whole; i < width; i++) sum += dy[i] * it->weight[i] * (x[i] * inverse);
    const float mean = sum / (float)width;
    for (int i = 0; i < width; i++) {
      const float normal = x[i] * inverse;
      dx[i] = inverse * (dy[i] * it->weight[i] - normal * mean);
      dw[i] += dy[i] * normal;
    }
  }
}

INLINE Floats NAME(sigmoid)(Floats x) { return 1 / (1 + NAME(exp)(-x)); }

/* x: gate and up side by side, [rows, 2 · width]. */
static void NAME(swiglu)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width;
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *gate = it->x + (size_t)row * 2 * width, *up = gate + width;
    float *y = it->y + (size_t)row * width;
    int i = 0;
    for (; i + WIDTH <= width; i += WIDTH) {
      const Floats g = NAME(load)(gate + i);
      NAME(put)(y + i, g * NAME(sigmoid)(g) * NAME(load)(up + i));
    }
    if (i < width) {
      const Floats g = NAME(load_few)(gate + i, width - i);
      NAME(put_few)(y + i, g * NAME(sigmoid)(g) * NAME(load_few)(up + i, width - i), width - i);
    }
  }
}

INLINE void NAME(swiglu_slopes)(Floats dy, Floats g, Floats u, Floats *dg, Floats *du) {
  const Floats sigma = NAME(sigmoid)(g), through = dy * sigma;
  *dg = through * u * (g * (1 - sigma) + 1);
  *du = through * g;
}

static void NAME(swiglu_gradient)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width;
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *gate = it->x + (size_t)row * 2 * width, *up = gate + width, *dy = it->dy + (size_t)row * width;
    float *to = it->y + (size_t)row * 2 * width;
    Floats dg, du;
    int i = 0;
    for (; i + WIDTH <= width; i += WIDTH) {
      NAME(swiglu_slopes)(NAME(load)(dy + i), NAME(load)(gate + i), NAME(load)(up + i), &dg, &du);
      NAME(put)(to + i, dg);
      NAME(put)(to + width + i, du);
    }
    if (i < width) {
      const int few = width - i;
      NAME(swiglu_slopes)(NAME(load_few)(dy + i, few), NAME(load_few)(gate + i, few), NAME(load_few)(up + i, few), &dg, &du);
      NAME(put_few)(to + i, dg, few);
      NAME(put_few)(to + width + i, du, few);
    }
  }
}

/* y = x + weight in each row. */
static void NAME(add_row)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width;
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *x = it->x + (size_t)row * width;
    float *y = it->y + (size_t)row * width;
    for (int i = 0; i < width; i++) y[i] = x[i] + it->weight[i];
  }
}

/* Σ x of each column, by task. */
static void NAME(column_sums)(void *context, int index, int thread) {
  (void)thread;
  const Rows *it = context;
  const int width = it->width;
  float *sums = it->partial + (size_t)index * width;
  memset(sums, 0, (size_t)width * sizeof(float));
  for (int row = index * TILE; row < least(it->rows, (index + 1) * TILE); row++) {
    const float *x = it->x + (size_t)row * width;
    for (int i = 0; i < width; i++) sums[i] += x[i];
  }
}
