/*
 * Attention over packed sequences, forward and backward (formulas: packages/policy/src/kernels/attention.ts), in tiles of
 * TILE queries by TILE keys. Only tiles that a query sees are computed, and no probability is kept: the backward pass makes
 * them again from the log-sum-exp of each row (FlashAttention-2, arXiv 2307.08691).
 *
 * A forward task is one block of queries of one head. A backward task is one head of one tree: it alone writes the
 * gradients of its queries, and those of its keys into places of its own, which are added up by head in order. So neither
 * the number of threads nor their luck changes a number.
 */

INLINE int NAME(padded)(int size) { return (size + WIDTH - 1) / WIDTH * WIDTH; }

static float *NAME(tiles)(size_t floats) {
  void *memory = NULL;
  return posix_memalign(&memory, 64, floats * sizeof(float)) == 0 ? memory : NULL;
}

/* Turns a head by its angles, times `scale`: (a, b) → (a cos ∓ b sin, b cos ± a sin). `from` may be `to`. */
static void NAME(turn)(const float *from, float *to, int half, const float *cos, const float *sin, float direction,
                       float scale) {
  for (int i = 0; i < half; i++) {
    const float a = from[i] * scale, b = from[half + i] * scale, s = sin[i] * direction;
    to[i] = a * cos[i] - b * s;
    to[half + i] = b * cos[i] + a * s;
  }
}

/* Rotated rows of one block of TILE rows, queries scaled. */
static void NAME(turn_rows)(void *context, int index, int thread) {
  (void)thread;
  const Attention *it = context;
  const Plan *plan = it->plan;
  const int size = plan->head_size, half = size / 2, width = (plan->heads + 2 * plan->key_heads) * size;
  const float scale = 1 / sqrtf((float)size);
  for (int row = index * TILE; row < least(plan->rows, (index + 1) * TILE); row++) {
    const float *from = it->qkv + (size_t)row * width, *cos = it->cos + (size_t)row * half,
                *sin = it->sin + (size_t)row * half;
    float *to = it->turned + (size_t)row * width;
    for (int h = 0; h < plan->heads + plan->key_heads; h++)
      NAME(turn)(from + h * size, to + h * size, half, cos, sin, 1, h < plan->heads ? scale : 1);
    const int values = (plan->heads + plan->key_heads) * size;
    memcpy(to + values, from + values, (size_t)plan->key_heads * size * sizeof(float));
  }
}

/* Rows of one head one below the other, [TILE, padded size], zeros where there is none. */
static void NAME(pack)(const float *from, size_t stride, int count, int size, float *to) {
  const int padded = NAME(padded)(size);
  for (int i = 0; i < TILE; i++, to += padded) {
    if (i < count) memcpy(to, from + i * stride, (size_t)size * sizeof(float));
    const int filled = i < count ? size : 0;
    if (filled < padded) memset(to + filled, 0, (size_t)(padded - filled) * sizeof(float));
  }
}

/* The same across, [size, TILE]. */
static void NAME(pack_across)(const float *packed, int size, float *to) {
  const int padded = NAME(padded)(size);
  for (int k = 0; k < size; k++)
    for (int i = 0; i < TILE; i++) to[k * TILE + i] = packed[i * padded + k];
}

/* Columns [low, high) of a tile of keys that query `i` of a block sees. The keys are rows from `key` on. */
INLINE void NAME(seen)(const Block *block, int i, int key, int keys, int *low, int *high) {
  const Segment *segment = block->segment;
  *low = 0;
  if (key >= segment->start) {
    const int visible = segment->causal ? block->first + i + 1 : segment->count;
    *high = least(keys, segment->start + visible - key);
  } else {
    *low = most_of(0, segment->prefix_start - key);
    *high = least(keys, segment->prefix_start + segment->prefix_count - key);
  }
  if (*high < *low || i >= block->count) *high = *low;
}

/* One tile of a forward pass: scores, and the running maximum, sum and result of each query. */
static void NAME(add_keys)(const Block *block, int key, int keys, int padded, float *scores, const float *values, float *most,
                           float *total, float *result) {
  for (int i = 0; i < TILE; i++) {
    float *s = scores + i * TILE;
    int low, high;
    NAME(seen)(block, i, key, keys, &low, &high);
    if (low == high) {
      memset(s, 0, TILE * sizeof(float));
      continue;
    }
    for (int j = 0; j < low; j++) s[j] = -INFINITY;
    for (int j = high; j < TILE; j++) s[j] = -INFINITY;
    Floats top = NAME(load)(s);
    for (int j = WIDTH; j < TILE; j += WIDTH) top = NAME(select)(NAME(load)(s + j) > top, NAME(load)(s + j), top);
    float largest = most[i];
    for (int j = 0; j < WIDTH; j++) largest = top[j] > largest ? top[j] : largest;
    Floats sum = NAME(splat)(0);
    for (int j = 0; j < TILE; j += WIDTH) {
      const Floats e = NAME(exp)(NAME(load)(s + j) - largest);
      NAME(put)(s + j, e);
      sum += e;
    }
    if (largest > most[i]) {
      const float shrink = expf(most[i] - largest);
      total[i] *= shrink;
      for (int k = 0; k < padded; k += WIDTH) NAME(put)(result + i * padded + k, NAME(load)(result + i * padded + k) * shrink);
      most[i] = largest;
    }
    total[i] += NAME(sum)(sum);
  }
  NAME(multiply)(NAME(padded)(block->count), padded, keys, scores, TILE, 1, values, (size_t)padded, result, (size_t)padded, 1);
}

static void NAME(forward)(void *context, int index, int thread) {
  (void)thread;
  Attention *it = context;
  const Plan *plan = it->plan;
  const Block *block = &plan->block[index / plan->heads];
  const Segment *segment = block->segment;
  const int h = index % plan->heads, size = plan->head_size, padded = NAME(padded)(size);
  const int group = h / (plan->heads / plan->key_heads);
  const size_t width = (size_t)(plan->heads + 2 * plan->key_heads) * size;
  float *memory = NAME(tiles)((size_t)TILE * (5 * padded + TILE + 2));
  if (!memory) {
    atomic_store(&it->failed, 1);
    return;
  }
  float *queries = memory, *keys = queries + TILE * padded, *across = keys + TILE * padded, *values = across + TILE * padded,
        *result = values + TILE * padded, *scores = result + TILE * padded, *most = scores + TILE * TILE,
        *total = most + TILE;
  const int first = segment->start + block->first;
  NAME(pack)(it->turned + first * width + (size_t)h * size, width, block->count, size, queries);
  memset(result, 0, (size_t)TILE * padded * sizeof(float));
  for (int i = 0; i < TILE; i++) {
    most[i] = -INFINITY;
    total[i] = 0;
  }
  const int runs[2][2] = {{segment->prefix_start, segment->prefix_count},
                          {segment->start, segment->causal ? block->first + block->count : segment->count}};
  for (int run = 0; run < 2; run++)
    for (int from = 0; from < runs[run][1]; from += TILE) {
      const int key = runs[run][0] + from, count = least(TILE, runs[run][1] - from);
      const float *row = it->turned + key * width;
      NAME(pack)(row + (size_t)(plan->heads + group) * size, width, count, size, keys);
      NAME(pack_across)(keys, size, across);
      NAME(pack)(row + (size_t)(plan->heads + plan->key_heads + group) * size, width, count, size, values);
      NAME(multiply)(NAME(padded)(block->count), TILE, size, queries, (size_t)padded, 1, across, TILE, scores, TILE, 0);
      NAME(add_keys)(block, key, count, padded, scores, values, most, total, result);
    }
  for (int i = 0; i < block->count; i++) {
    float *to = it->out + ((size_t)(first + i) * plan->heads + h) * size;
    for (int k = 0; k < size; k++) to[k] = result[i * padded + k] / total[i];
    it->lse[(size_t)(first + i) * plan->heads + h] = most[i] + logf(total[i]);
  }
  free(memory);
}

/* One tile of queries by one of keys: adds to the gradients of both. `delta`: Σ dP · P of each query. */
static void NAME(backward_tile)(Attention *it, const Block *block, int h, int key, int keys, const float *delta,
                                const Tiles *tiles) {
  const Plan *plan = it->plan;
  const int size = plan->head_size, padded = NAME(padded)(size), first = block->segment->start + block->first;
  const int queries = NAME(padded)(block->count);
  const size_t width = (size_t)(plan->heads + 2 * plan->key_heads) * size, deep = (size_t)padded;
  NAME(pack)(it->turned + first * width + (size_t)h * size, width, block->count, size, tiles->queries);
  NAME(pack)(it->dy + ((size_t)first * plan->heads + h) * size, (size_t)plan->heads * size, block->count, size, tiles->dy);
  NAME(multiply)(queries, TILE, size, tiles->queries, deep, 1, tiles->keys_across, TILE, tiles->p, TILE, 0);
  NAME(multiply)(queries, TILE, size, tiles->dy, deep, 1, tiles->values_across, TILE, tiles->dp, TILE, 0);
  for (int i = 0; i < queries; i++) {
    float *p = tiles->p + i * TILE, *dp = tiles->dp + i * TILE;
    int low, high;
    NAME(seen)(block, i, key, keys, &low, &high);
    for (int j = 0; j < low; j++) p[j] = -INFINITY;
    for (int j = high; j < TILE; j++) p[j] = -INFINITY;
    const float sum = low < high ? it->lse[(size_t)(first + i) * plan->heads + h] : 0;
    const float mean = low < high ? delta[i] : 0;
    for (int j = 0; j < TILE; j += WIDTH) {
      const Floats e = NAME(exp)(NAME(load)(p + j) - sum);
      NAME(put)(p + j, e);
      NAME(put)(dp + j, e * (NAME(load)(dp + j) - mean));
    }
  }
  NAME(multiply)(TILE, padded, block->count, tiles->p, 1, TILE, tiles->dy, deep, tiles->dvalues, deep, 1);
  NAME(multiply)(TILE, padded, block->count, tiles->dp, 1, TILE, tiles->queries, deep, tiles->dkeys, deep, 1);
  NAME(multiply)(queries, padded, keys, tiles->dp, TILE, 1, tiles->keys, deep, tiles->dqueries, deep, 0);
  for (int i = 0; i < block->count; i++) {
    float *to = it->gradient + (first + i) * width + (size_t)h * size;
    for (int k = 0; k < size; k++) to[k] += tiles->dqueries[i * padded + k];
  }
}

static void NAME(backward)(void *context, int index, int thread) {
  (void)thread;
  Attention *it = context;
  const Plan *plan = it->plan;
  const Tree *tree = &plan->tree[index / plan->heads];
  const int h = index % plan->heads, size = plan->head_size, padded = NAME(padded)(size);
  const int group = h / (plan->heads / plan->key_heads);
  const size_t width = (size_t)(plan->heads + 2 * plan->key_heads) * size, tile = (size_t)TILE * padded;
  const Segment *last = plan->segment + tree->end - 1;
  const int start = plan->segment[tree->first].start, rows = last->start + last->count - start;
  float *memory = NAME(tiles)(9 * tile + 2 * TILE * TILE + rows);
  if (!memory) {
    atomic_store(&it->failed, 1);
    return;
  }
  const Tiles tiles = {memory,
                       memory + tile,
                       memory + 2 * tile,
                       memory + 3 * tile,
                       memory + 4 * tile,
                       memory + 5 * tile,
                       memory + 6 * tile,
                       memory + 7 * tile,
                       memory + 8 * tile,
                       memory + 9 * tile,
                       memory + 9 * tile + TILE * TILE};
  float *delta = memory + 9 * tile + 2 * TILE * TILE;
  for (int row = start; row < start + rows; row++) {
    const size_t at = ((size_t)row * plan->heads + h) * size;
    float sum = 0;
    for (int k = 0; k < size; k++) sum += it->dy[at + k] * it->out[at + k];
    delta[row - start] = sum;
  }
  for (const Segment *seen = plan->segment + tree->first; seen <= last; seen++)
    for (int from = 0; from < seen->count; from += TILE) {
      const int key = seen->start + from, count = least(TILE, seen->count - from);
      const float *row = it->turned + key * width;
      NAME(pack)(row + (size_t)(plan->heads + group) * size, width, count, size, tiles.keys);
      NAME(pack_across)(tiles.keys, size, tiles.keys_across);
      NAME(pack)(row + (size_t)(plan->heads + plan->key_heads + group) * size, width, count, size, tiles.values);
      NAME(pack_across)(tiles.values, size, tiles.values_across);
      memset(tiles.dkeys, 0, tile * sizeof(float));
      memset(tiles.dvalues, 0, tile * sizeof(float));
      for (const Segment *segment = seen; segment <= last; segment++) {
        const int prefix = segment->prefix_start, end = prefix + segment->prefix_count;
        if (segment != seen && (prefix >= key + count || end <= key)) continue;
        for (int first = segment == seen && segment->causal ? from : 0; first < segment->count; first += TILE) {
          const Block block = {segment, first, least(TILE, segment->count - first)};
          NAME(backward_tile)(it, &block, h, key, count, delta + segment->start + first - start, &tiles);
        }
      }
      const size_t to = ((size_t)h * plan->rows + key) * size;
      for (int j = 0; j < count; j++) {
        memcpy(it->key_gradients + to + (size_t)j * size, tiles.dkeys + j * padded, (size_t)size * sizeof(float));
        memcpy(it->value_gradients + to + (size_t)j * size, tiles.dvalues + j * padded, (size_t)size * sizeof(float));
      }
    }
  free(memory);
}

/* Adds up the heads of each group and turns TILE rows back. */
static void NAME(turn_back)(void *context, int index, int thread) {
  (void)thread;
  const Attention *it = context;
  const Plan *plan = it->plan;
  const int size = plan->head_size, half = size / 2, repeats = plan->heads / plan->key_heads;
  const size_t width = (size_t)(plan->heads + 2 * plan->key_heads) * size, head = (size_t)plan->rows * size;
  const float scale = 1 / sqrtf((float)size);
  for (int row = index * TILE; row < least(plan->rows, (index + 1) * TILE); row++) {
    const float *cos = it->cos + (size_t)row * half, *sin = it->sin + (size_t)row * half;
    float *to = it->gradient + row * width;
    for (int h = 0; h < plan->heads; h++) NAME(turn)(to + h * size, to + h * size, half, cos, sin, -1, scale);
    for (int g = 0; g < plan->key_heads; g++) {
      float *keys = to + (size_t)(plan->heads + g) * size, *values = keys + (size_t)plan->key_heads * size;
      for (int k = 0; k < size; k++) {
        const size_t at = (size_t)g * repeats * head + (size_t)row * size + k;
        float dk = 0, dv = 0;
        for (int r = 0; r < repeats; r++) {
          dk += it->key_gradients[at + r * head];
          dv += it->value_gradients[at + r * head];
        }
        keys[k] = dk;
        values[k] = dv;
      }
      NAME(turn)(keys, keys, half, cos, sin, -1, 1);
    }
  }
}
