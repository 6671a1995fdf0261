/* A step of AdamW (formula: packages/grpo/src/optimizer/adamw.ts), FLAT_PART numbers of one tensor a task. */

INLINE Floats NAME(root)(Floats x) {
  float values[WIDTH];
  NAME(put)(values, x);
  for (int i = 0; i < WIDTH; i++) values[i] = sqrtf(values[i]);
  return NAME(load)(values);
}

static void NAME(adamw)(void *context, int index, int thread) {
  (void)thread;
  const AdamW *it = ((const AdamWList *)context)->each;
  for (; index >= parts_of(it->size); it++) index -= parts_of(it->size);
  const AdamWConstants c = it->constants;
  const size_t first = (size_t)index * FLAT_PART;
  const size_t end = first + FLAT_PART < it->size ? first + FLAT_PART : it->size;
  /* What is written is not read soon: streamed, it need not be fetched before. */
  const int streams = ((uintptr_t)it->new_p | (uintptr_t)it->new_m | (uintptr_t)it->new_v) % sizeof(Floats) == 0;
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
      else if (streams) NAME(stream)(to[k], out[k]);
      else NAME(put)(to[k], out[k]);
    }
  }
  NAME(end_streams)();
}
