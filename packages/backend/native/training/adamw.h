/* A step of AdamW (formula: packages/grpo/src/optimizer/adamw.ts), ADAMW_PART numbers a task. */
#ifndef ADAMW_PART
#define ADAMW_PART 16384
#endif

INLINE Floats NAME(root)(Floats x) {
  float values[WIDTH];
  NAME(put)(values, x);
  for (int i = 0; i < WIDTH; i++) values[i] = sqrtf(values[i]);
  return NAME(load)(values);
}

static void NAME(adamw)(void *context, int index, int thread) {
  (void)thread;
  const AdamW *it = context;
  const AdamWConstants c = it->constants;
  const size_t first = (size_t)index * ADAMW_PART;
  const size_t end = first + ADAMW_PART < it->size ? first + ADAMW_PART : it->size;
  for (size_t i = first; i < end; i += WIDTH) {
    const int few = end - i < WIDTH ? (int)(end - i) : WIDTH;
    const float *const from[] = {it->p + i, it->g + i, it->m + i, it->v + i};
    float *const to[] = {it->new_p + i, it->new_m + i, it->new_v + i};
    Floats in[4];
    for (int k = 0; k < 4; k++) in[k] = few < WIDTH ? NAME(load_few)(from[k], few) : NAME(load)(from[k]);
    const Floats p = in[0], g = in[1];
    const Floats m = in[2] * c.beta1 + g * c.gradient, v = in[3] * c.beta2 + g * g * c.gradient_squared;
    const Floats out[] = {p * c.kept - m / (NAME(root)(v) + c.epsilon) * c.step, m, v};
    for (int k = 0; k < 3; k++) {
      if (few < WIDTH) NAME(put_few)(to[k], out[k], few);
      else NAME(put)(to[k], out[k]);
    }
  }
}
