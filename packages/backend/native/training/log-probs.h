/*
 * Log-probabilities of tokens and entropies from logits (formulas: packages/policy/src/kernels/token-log-probs.ts), one
 * row a task. A row's sums run in parts of SUM_PART numbers that a double adds up: a vocabulary is longer than what
 * single precision adds well.
 */
#ifndef SUM_PART
#define SUM_PART 512
#endif

/* [rows, vocabulary] -> log-sum-exp and entropy in `stats`, [rows, 2]; log-probability (and entropy) in `value`. */
static void NAME(log_probs)(void *context, int row, int thread) {
  (void)thread;
  const LogProbs *it = context;
  const int n = it->vocabulary, whole = n / WIDTH * WIDTH;
  const float *z = it->logits + (size_t)row * n, scale = it->inverse_temperature;
  Floats largest = NAME(splat)(-INFINITY);
  for (int i = 0; i < whole; i += WIDTH) {
    largest = NAME(larger)(NAME(load)(z + i), largest);
  }
  float most = -INFINITY;
  for (int lane = 0; lane < WIDTH; lane++) most = largest[lane] > most ? largest[lane] : most;
  for (int i = whole; i < n; i++) most = z[i] > most ? z[i] : most;
  const Floats middle = NAME(splat)(most * scale);
  double total = 0, weighted = 0;
  for (int from = 0; from < n; from += SUM_PART) {
    const int end = least(n, from + SUM_PART);
    Floats sum = NAME(splat)(0), with_logit = NAME(splat)(0);
    int i = from;
    for (; i + WIDTH <= end; i += WIDTH) {
      const Floats below = NAME(load)(z + i) * scale - middle, e = NAME(exp)(below);
      sum += e;
      with_logit += e * below;
    }
    total += NAME(sum)(sum);
    weighted += NAME(sum)(with_logit);
    for (; i < end; i++) {
      const float below = z[i] * scale - most * scale, e = NAME(exp)(NAME(splat)(below))[0];
      total += e;
      weighted += e * below;
    }
  }
  const double above = log(total);
  it->stats[2 * row] = (float)(most * scale + above);
  it->stats[2 * row + 1] = (float)(above - weighted / total);
  it->value[row * it->columns] = (float)((z[it->targets[row]] - most) * scale - above);
  if (it->columns > 1) it->value[row * it->columns + 1] = it->stats[2 * row + 1];
}

/* dz of the logits themselves, from dy [rows, columns]: (g 1[target] - p (g + e (log p + H))) / temperature. */
static void NAME(log_probs_gradient)(void *context, int row, int thread) {
  (void)thread;
  const LogProbs *it = context;
  const int n = it->vocabulary;
  const size_t at = (size_t)row * n;
  const float *z = it->logits + at, *dy = it->dy + row * it->columns;
  float *dz = it->dz + at;
  const float scale = it->inverse_temperature, lse = it->stats[2 * row], entropy = it->stats[2 * row + 1];
  const float g = dy[0] * scale, e = it->columns > 1 ? dy[1] * scale : 0;
  for (int i = 0; i < n; i += WIDTH) {
    const int few = least(WIDTH, n - i);
    const Floats log_p = (few < WIDTH ? NAME(load_few)(z + i, few) : NAME(load)(z + i)) * scale - lse;
    const Floats slope = -NAME(exp)(log_p) * (g + e * (log_p + entropy));
    if (few < WIDTH) NAME(put_few)(dz + i, slope, few);
    else NAME(put)(dz + i, slope);
  }
  dz[it->targets[row]] += g;
}
