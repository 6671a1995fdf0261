/*
 * Low-rank additions to linear layers over one input (formulas: packages/policy/src/kernels/linear-with-additions.ts), TILE rows a
 * task; gradients of the adapters TILE of a matrix's longer side a task. All sums run along rows in order.
 */

/* y = base + u bᵀ with u = scale · x aᵀ. */
static void NAME(low_rank)(void *context, int index, int thread) {
  (void)thread;
  const LowRank *it = context;
  const size_t first = (size_t)index * TILE;
  const int count = least(TILE, it->rows - index * TILE);
  float *y = it->y + first * it->outputs;
  memcpy(y, it->base + first * it->outputs, (size_t)count * it->outputs * sizeof(float));
  for (int i = 0; i < it->adapters; i++) {
    const Adapter *adapter = &it->adapter[i];
    const size_t padded = (size_t)adapter->padded;
    float *u = it->u + first * it->units + adapter->unit;
    NAME(multiply)(count, adapter->padded, it->inputs, it->x + first * it->inputs, it->inputs, 1, adapter->a_across, padded,
                   u, it->units, 0);
    NAME(product)(count, adapter->width, adapter->rank, u, it->units, 1, adapter->b_packed, adapter->width,
                  y + adapter->column, it->outputs, 1);
  }
}

/* du = scale · dy b, dx = base + du a. */
static void NAME(low_rank_back)(void *context, int index, int thread) {
  (void)thread;
  const LowRank *it = context;
  const size_t first = (size_t)index * TILE;
  const int count = least(TILE, it->rows - index * TILE);
  float *dx = it->y + first * it->inputs;
  memcpy(dx, it->base + first * it->inputs, (size_t)count * it->inputs * sizeof(float));
  for (int i = 0; i < it->adapters; i++) {
    const Adapter *adapter = &it->adapter[i];
    float *du = it->du + first * it->units + adapter->unit;
    NAME(multiply)(count, adapter->padded, adapter->width, it->dy + first * it->outputs + adapter->column, it->outputs, 1,
                   adapter->b_packed, (size_t)adapter->padded, du, it->units, 0);
    NAME(product)(count, it->inputs, adapter->rank, du, it->units, 1, adapter->a, it->inputs, dx, it->inputs, 1);
  }
}

/* da = duᵀ x, db = dyᵀ u. */
static void NAME(low_rank_gradient)(void *context, int index, int thread) {
  (void)thread;
  const LowRank *it = context;
  const Adapter *adapter = it->adapter;
  const int of_a = tiles_of(it->inputs);
  while (index >= of_a + tiles_of(adapter->width)) index -= of_a + tiles_of(adapter++->width);
  if (index < of_a) {
    const int from = index * TILE;
    NAME(product)(adapter->rank, least(TILE, it->inputs - from), it->rows, it->du + adapter->unit, 1, it->units,
                  it->x + from, it->inputs, adapter->da + from, it->inputs, 0);
    return;
  }
  const int from = (index - of_a) * TILE, count = least(TILE, adapter->width - from);
  float *sums = adapter->db_padded + (size_t)from * adapter->padded;
  NAME(multiply)(count, adapter->padded, it->rows, it->dy + adapter->column + from, 1, it->outputs, it->u + adapter->unit,
                 it->units, sums, (size_t)adapter->padded, 0);
  for (int i = 0; i < count; i++)
    memcpy(adapter->db + (size_t)(from + i) * adapter->rank, sums + (size_t)i * adapter->padded,
           (size_t)adapter->rank * sizeof(float));
}
