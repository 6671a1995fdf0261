/*
 * Draws a token for each row of logits: p = exp((x - largest) · scale) / total, summed in float64, by inverting the
 * cumulative distribution in the order of the tokens' ids (packages/policy/src/generation/sampler.ts). A row is a task,
 * computed alone and in one order. Compiled once per instruction set.
 */

typedef double NAME(Doubles) __attribute__((vector_size(4 * WIDTH)));
typedef int64_t NAME(Longs) __attribute__((vector_size(4 * WIDTH)));
typedef float NAME(FewAt) __attribute__((vector_size(2 * WIDTH), aligned(4), may_alias));

/* Numbers of one vector. */
#define LANES (WIDTH / 2)

/* eˣ for x of at most 0, by Cody and Waite's reduction and Taylor's series, relative error 4e-16; 0 below -700. */
INLINE NAME(Doubles) NAME(exp_doubles)(NAME(Doubles) x) {
  const NAME(Longs) tiny = x < -700.0;
  /* Adding 1.5 · 2⁵² rounds to a whole number, which then stands in the lowest bits. */
  const NAME(Doubles) shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const NAME(Doubles) n = shifted - 6755399441055744.0;
  const NAME(Doubles) r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10;
  NAME(Doubles) p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const NAME(Longs) scaled = (NAME(Longs))p + ((NAME(Longs))shifted << 52);
  return (NAME(Doubles))(~tiny & scaled);
}

/* Weights of the tokens from `at` on; 0 behind the last. */
INLINE NAME(Doubles) NAME(weights_from)(const float *logits, int at, int count, double most, double scale) {
  NAME(FewAt) x;
  if (at + LANES <= count) {
    x = *(const NAME(FewAt) *)(logits + at);
  } else {
    for (int i = 0; i < LANES; i++) x[i] = at + i < count ? logits[at + i] : -INFINITY;
  }
  return NAME(exp_doubles)((__builtin_convertvector(x, NAME(Doubles)) - most) * scale);
}

static float NAME(largest)(const float *logits, int count) {
  Floats tops = NAME(splat)(-INFINITY);
  int i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    const Floats x = NAME(load)(logits + i);
    tops = NAME(select)(x > tops, x, tops);
  }
  float most = -INFINITY;
  for (int lane = 0; lane < WIDTH; lane++) most = tops[lane] > most ? tops[lane] : most;
  for (; i < count; i++) most = logits[i] > most ? logits[i] : most;
  return most;
}

/* The first token with the largest logit. */
static int NAME(first_of)(const float *logits, int count, float most) {
  for (int i = 0; i < count; i++)
    if (logits[i] == most) return i;
  return 0;
}

/* The token at which the sum of weights exceeds `rest`; the last one with a weight where rounding leaves none. */
static int NAME(token_at)(const Draws *draws, const float *logits, const double *sums, double most, double rest) {
  int block = 0, last_block = 0, last = 0;
  for (; block < draws->blocks && rest >= sums[block]; block++) {
    rest -= sums[block];
    if (sums[block] > 0) last_block = block;
  }
  if (block == draws->blocks) block = last_block;
  for (int i = block * DRAW_BLOCK; i < draws->vocabulary; i += LANES) {
    const NAME(Doubles) weights = NAME(weights_from)(logits, i, draws->vocabulary, most, draws->scale);
    for (int lane = 0; lane < LANES; lane++) {
      if (weights[lane] == 0) continue;
      last = i + lane;
      rest -= weights[lane];
      if (rest < 0) return last;
    }
  }
  return last;
}

static void NAME(draw_task)(void *context, int index, int thread) {
  (void)thread;
  const Draws *draws = context;
  const float *logits = draws->logits + (size_t)index * draws->vocabulary;
  double *sums = draws->sums + (size_t)index * draws->blocks, *out = draws->out + (size_t)index * DRAW_NUMBERS;
  const float most = NAME(largest)(logits, draws->vocabulary);
  double total = 0;
  for (int block = 0; block < draws->blocks; block++) {
    const int from = block * DRAW_BLOCK;
    const int to = from + DRAW_BLOCK < draws->vocabulary ? from + DRAW_BLOCK : draws->vocabulary;
    NAME(Doubles) sum = {0};
    for (int i = from; i < to; i += LANES) sum += NAME(weights_from)(logits, i, to, most, draws->scale);
    sums[block] = 0;
    for (int lane = 0; lane < LANES; lane++) sums[block] += sum[lane];
    total += sums[block];
  }
  const double uniform = draws->uniforms[index];
  out[0] = uniform < 0 ? NAME(first_of)(logits, draws->vocabulary, most)
                       : NAME(token_at)(draws, logits, sums, most, uniform * total);
  out[1] = most;
  out[2] = total;
}

#undef LANES
