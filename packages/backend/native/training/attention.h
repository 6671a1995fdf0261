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

/* Rows of one head one below the other, [rows, padded size], with zeros where `count` has none. */
static void NAME(pack)(const float *from, size_t stride, int count, int rows, int size, float *to) {
  const int padded = NAME(padded)(size);
  for (int i = 0; i < rows; i++, to += padded) {
    if (i < count) memcpy(to, from + i * stride, (size_t)size * sizeof(float));
    const int filled = i < count ? size : 0;
    if (filled < padded) memset(to + filled, 0, (size_t)(padded - filled) * sizeof(float));
  }
}

/* TILE of them across, [size, TILE]. */
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

/* Of a forward task's queries so far: maximum and sum of exponentials of each, and results, [TILE, padded]. */
typedef struct {
  float *most, *total, *result;
} NAME(Running);

/* Before a query has seen a key. Lower than a score, and finite, so that a hidden one (-inf) lies below it. */
#define NO_SCORE -1e30f

/*
 * One tile of a forward pass; `values` [keys, padded] with rows `stride` apart. Scores lie across, [keys, TILE], so that a vector holds as many queries and nothing is
 * added up across lanes.
 */
static void NAME(add_keys)(const Block *block, int key, int keys, int padded, float *scores, const float *values,
                           size_t stride, const NAME(Running) * it) {
  int32_t lows[TILE], highs[TILE];
  int all = 1;
  for (int i = 0; i < TILE; i++) {
    NAME(seen)(block, i, key, keys, &lows[i], &highs[i]);
    all = all && lows[i] == 0 && highs[i] == keys;
  }
  float shrink[TILE];
  for (int i = 0; i < TILE; i += WIDTH) {
    float *s = scores + i;
    if (!all) {
      Ints low, high;
      memcpy(&low, lows + i, sizeof low);
      memcpy(&high, highs + i, sizeof high);
      for (int j = 0; j < keys; j++) {
        const Ints at = j - (Ints){0};
        const Floats score = NAME(load)(s + j * TILE);
        NAME(put)(s + j * TILE, NAME(select)((at >= low) & (at < high), score, NAME(splat)(-INFINITY)));
      }
    }
    const Floats before = NAME(load)(it->most + i);
    Floats top = before, sum = NAME(splat)(0);
    for (int j = 0; j < keys; j++) {
      top = NAME(larger)(NAME(load)(s + j * TILE), top);
    }
    for (int j = 0; j < keys; j++) {
      const Floats e = NAME(exp)(NAME(load)(s + j * TILE) - top);
      NAME(put)(s + j * TILE, e);
      sum += e;
    }
    const Floats less = NAME(exp)(before - top);
    NAME(put)(shrink + i, less);
    NAME(put)(it->most + i, top);
    NAME(put)(it->total + i, NAME(load)(it->total + i) * less + sum);
  }
  for (int i = 0; i < TILE; i++) {
    if (shrink[i] == 1) continue;
    float *result = it->result + i * padded;
    for (int k = 0; k < padded; k += WIDTH) NAME(put)(result + k, NAME(load)(result + k) * shrink[i]);
  }
  const int queries = NAME(padded)(block->count);
  NAME(multiply)(queries, padded, keys, scores, 1, TILE, values, stride, it->result, (size_t)padded, 1);
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
  float *memory = NAME(tiles)((size_t)TILE * (4 * padded + TILE + 2));
  if (!memory) {
    atomic_store(&it->failed, 1);
    return;
  }
  float *queries = memory, *across = queries + TILE * padded, *packed = across + TILE * padded;
  float *scores = packed + TILE * padded;
  const NAME(Running) running = {scores + TILE * TILE, scores + TILE * (TILE + 1), scores + TILE * (TILE + 2)};
  const int first = segment->start + block->first;
  NAME(pack)(it->turned + first * width + (size_t)h * size, width, block->count, TILE, size, queries);
  NAME(pack_across)(queries, size, across);
  memset(running.result, 0, (size_t)TILE * padded * sizeof(float));
  for (int i = 0; i < TILE; i++) {
    running.most[i] = NO_SCORE;
    running.total[i] = 0;
  }
  const int runs[2][2] = {{segment->prefix_start, segment->prefix_count},
                          {segment->start, segment->causal ? block->first + block->count : segment->count}};
  for (int run = 0; run < 2; run++)
    for (int from = 0; from < runs[run][1]; from += TILE) {
      const int key = runs[run][0] + from, count = least(TILE, runs[run][1] - from);
      const float *keys = it->turned + key * width + (size_t)(plan->heads + group) * size;
      const float *values = keys + (size_t)plan->key_heads * size;
      NAME(multiply)(count, TILE, size, keys, width, 1, across, TILE, scores, TILE, 0);
      /* Rows of whole vectors are read where they lie. */
      if (padded > size) NAME(pack)(values, width, count, TILE, size, packed);
      NAME(add_keys)(block, key, count, padded, scores, padded > size ? packed : values,
                     padded > size ? (size_t)padded : width, &running);
    }
  for (int i = 0; i < block->count; i++) {
    float *to = it->out + ((size_t)(first + i) * plan->heads + h) * size;
    for (int k = 0; k < size; k++) to[k] = running.result[i * padded + k] / running.total[i];
    it->lse[(size_t)(first + i) * plan->heads + h] = running.most[i] + logf(running.total[i]);
  }
  free(memory);
}

/*
 * One tile of queries by one of keys: adds to the gradients of both. `row`: of the tile's first query in what the task
 * holds of its tree.
 */
static void NAME(backward_tile)(const Attention *it, const Block *block, int h, int key, int keys, int row,
                                const Tiles *tiles) {
  const Plan *plan = it->plan;
  const int size = plan->head_size, padded = NAME(padded)(size), first = block->segment->start + block->first;
  const int count = NAME(padded)(block->count);
  const size_t deep = (size_t)padded, at = row * deep;
  const float *queries = tiles->queries + at, *dy = tiles->dy + at;
  NAME(multiply)(count, TILE, size, queries, deep, 1, tiles->keys_across, TILE, tiles->p, TILE, 0);
  NAME(multiply)(count, TILE, size, dy, deep, 1, tiles->values_across, TILE, tiles->dp, TILE, 0);
  for (int i = 0; i < count; i++) {
    float *p = tiles->p + i * TILE, *dp = tiles->dp + i * TILE;
    int low, high;
    NAME(seen)(block, i, key, keys, &low, &high);
    for (int j = 0; j < low; j++) p[j] = -INFINITY;
    for (int j = high; j < TILE; j++) p[j] = -INFINITY;
    const float sum = low < high ? it->lse[(size_t)(first + i) * plan->heads + h] : 0;
    const float mean = low < high ? tiles->delta[row + i] : 0;
    for (int j = 0; j < TILE; j += WIDTH) {
      const Floats e = NAME(exp)(NAME(load)(p + j) - sum);
      NAME(put)(p + j, e);
      NAME(put)(dp + j, e * (NAME(load)(dp + j) - mean));
    }
  }
  NAME(multiply)(TILE, padded, block->count, tiles->p, 1, TILE, dy, deep, tiles->dvalues, deep, 1);
  NAME(multiply)(TILE, padded, block->count, tiles->dp, 1, TILE, queries, deep, tiles->dkeys, deep, 1);
  NAME(multiply)(count, padded, keys, tiles->dp, TILE, 1, tiles->keys, deep, tiles->dqueries + at, deep, 1);
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
  /* A tile may begin with the last row: what it reads behind that is not used. */
  const int with_tile = rows + TILE;
  const size_t all = (size_t)with_tile * padded;
  float *memory = NAME(tiles)(3 * all + 6 * tile + 2 * TILE * TILE + with_tile);
  if (!memory) {
    atomic_store(&it->failed, 1);
    return;
  }
  float *small = memory + 3 * all;
  const Tiles tiles = {.queries = memory,
                       .dy = memory + all,
                       .dqueries = memory + 2 * all,
                       .keys = small,
                       .keys_across = small + tile,
                       .values = small + 2 * tile,
                       .values_across = small + 3 * tile,
                       .dkeys = small + 4 * tile,
                       .dvalues = small + 5 * tile,
                       .p = small + 6 * tile,
                       .dp = small + 6 * tile + TILE * TILE,
                       .delta = small + 6 * tile + 2 * TILE * TILE};
  NAME(pack)(it->turned + start * width + (size_t)h * size, width, rows, with_tile, size, tiles.queries);
  const size_t one = (size_t)plan->heads * size, at = start * one + (size_t)h * size;
  NAME(pack)(it->dy + at, one, rows, with_tile, size, tiles.dy);
  memset(tiles.dqueries, 0, all * sizeof(float));
  for (int row = 0; row < rows; row++) {
    float sum = 0;
    for (int k = 0; k < size; k++) sum += tiles.dy[(size_t)row * padded + k] * it->out[at + row * one + k];
    tiles.delta[row] = sum;
  }
  for (const Segment *seen = plan->segment + tree->first; seen <= last; seen++)
    for (int from = 0; from < seen->count; from += TILE) {
      const int key = seen->start + from, count = least(TILE, seen->count - from);
      const float *row = it->turned + key * width;
      NAME(pack)(row + (size_t)(plan->heads + group) * size, width, count, TILE, size, tiles.keys);
      NAME(pack_across)(tiles.keys, size, tiles.keys_across);
      NAME(pack)(row + (size_t)(plan->heads + plan->key_heads + group) * size, width, count, TILE, size, tiles.values);
      NAME(pack_across)(tiles.values, size, tiles.values_across);
      memset(tiles.dkeys, 0, tile * sizeof(float));
      memset(tiles.dvalues, 0, tile * sizeof(float));
      for (const Segment *segment = seen; segment <= last; segment++) {
        const int prefix = segment->prefix_start, end = prefix + segment->prefix_count;
        if (segment != seen && (prefix >= key + count || end <= key)) continue;
        for (int first = segment == seen && segment->causal ? from : 0; first < segment->count; first += TILE) {
          const Block block = {segment, first, least(TILE, segment->count - first)};
          NAME(backward_tile)(it, &block, h, key, count, segment->start + first - start, &tiles);
        }
      }
      const size_t to = ((size_t)h * plan->rows + key) * size;
      for (int j = 0; j < count; j++) {
        memcpy(it->key_gradients + to + (size_t)j * size, tiles.dkeys + j * padded, (size_t)size * sizeof(float));
        memcpy(it->value_gradients + to + (size_t)j * size, tiles.dvalues + j * padded, (size_t)size * sizeof(float));
      }
    }
  for (int row = 0; row < rows; row++)
    memcpy(it->gradient + (start + row) * width + (size_t)h * size, tiles.dqueries + (size_t)row * padded,
           (size_t)size * sizeof(float));
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
