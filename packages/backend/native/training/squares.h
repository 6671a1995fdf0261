/* Σ x², FLAT_PART numbers of one tensor a task. Sums run in parts of SUM_PART numbers that a double adds up, as those of log-probs.h. */

static void NAME(sum_of_squares)(void *context, int index, int thread) {
  (void)thread;
  const SquaresList *list = context;
  const Squares *it = list->each;
  int part = index;
  for (; part >= parts_of(it->size); it++) part -= parts_of(it->size);
  const size_t first = (size_t)part * FLAT_PART;
  const size_t end = first + FLAT_PART < it->size ? first + FLAT_PART : it->size;
  double total = 0;
  for (size_t from = first; from < end; from += SUM_PART) {
    const size_t to = from + SUM_PART < end ? from + SUM_PART : end;
    Floats sum = NAME(splat)(0);
    size_t i = from;
    for (; i + WIDTH <= to; i += WIDTH) sum += NAME(load)(it->x + i) * NAME(load)(it->x + i);
    total += NAME(sum)(sum);
    for (; i < to; i++) total += (double)it->x[i] * it->x[i];
  }
  list->partial[index] = total;
}
