/*
 * One token for each row through a language model (packages/policy/src/model/language-model.ts). This file is compiled
 * once per instruction set (../shared/instruction-sets.h).
 *
 * Every number of a result is a sum in one fixed order: along the inputs in blocks of BLOCK, eight lanes in a block,
 * the lanes as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)); of sixteen lanes the upper eight are added to the lower eight
 * first. Neither the rows beside it nor the number of threads change it.
 * Weights in bfloat16 are widened, which is exact, so that they give what float32 weights of the same values give.
 */

/* The bfloat16 numbers from `p` on. GCC 12 makes four instructions of the conversion where one will do. */
INLINE Floats NAME(widen)(const uint16_t *p) {
#if defined(HAS_AVX512)
  return (Floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#elif defined(HAS_AVX2)
  return (Floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#else
  return (Floats)(__builtin_convertvector(*(const HalvesAt *)p, Bits) << 16);
#endif
}

INLINE float NAME(widen_one)(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* WIDTH weights from `at` on. */
INLINE Floats NAME(weights)(const void *row, int at, int is_half) {
  return is_half ? NAME(widen)((const uint16_t *)row + at) : NAME(load)((const float *)row + at);
}

INLINE float NAME(weight)(const void *row, int at, int is_half) {
  return is_half ? NAME(widen_one)(((const uint16_t *)row)[at]) : ((const float *)row)[at];
}

/* The sums of four vectors. */
INLINE void NAME(sum4)(Floats a, Floats b, Floats c, Floats d, float *out) {
#if defined(HAS_AVX2)
  const __m256 ab = _mm256_hadd_ps((__m256)NAME(fold)(a), (__m256)NAME(fold)(b));
  const __m256 cd = _mm256_hadd_ps((__m256)NAME(fold)(c), (__m256)NAME(fold)(d));
  const __m256 both = _mm256_hadd_ps(ab, cd);
  _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
#else
  out[0] = NAME(sum)(a);
  out[1] = NAME(sum)(b);
  out[2] = NAME(sum)(c);
  out[3] = NAME(sum)(d);
#endif
}

/* The last few weights from `at` on, with zeros behind them. */
static __attribute__((noinline)) Floats NAME(last_weights)(const void *row, int at, int count, int is_half) {
  float values[WIDTH] = {0};
  for (int i = at; i < count; i++) values[i - at] = NAME(weight)(row, i, is_half);
  return NAME(load)(values);
}

INLINE Floats NAME(some)(const int whole, const void *row, int at, int count, const int is_half) {
  return whole ? NAME(weights)(row, at, is_half) : NAME(last_weights)(row, at, count, is_half);
}

/* Asks for the weights that lie AHEAD in four streams, where those at `at`, of `size` bytes, start a cache line. */
INLINE void NAME(read_ahead)(const int size, const char *weight, size_t stride, int at) {
  if (at * size % 64 != 0) return;
  for (int o = 0; o < 4; o++) __builtin_prefetch(weight + o * stride + at * size + AHEAD, 0, 3);
}

/* sums[row · 4 + output] += x[row] · weight[output] over WIDTH inputs, or over the last few. */
INLINE void NAME(add_some)(const int whole, const int rows, const int is_half, const char *weight, size_t stride,
                            const float *x, size_t x_stride, int at, int count, Floats *sums) {
  const Floats x0 = NAME(some)(whole, x, at, count, 0);
  const Floats x1 = rows > 1 ? NAME(some)(whole, x + x_stride, at, count, 0) : x0;
  const Floats x2 = rows > 2 ? NAME(some)(whole, x + 2 * x_stride, at, count, 0) : x0;
  const Floats w0 = NAME(some)(whole, weight, at, count, is_half);
  sums[0] += w0 * x0;
  if (rows > 1) sums[4] += w0 * x1;
  if (rows > 2) sums[8] += w0 * x2;
  const Floats w1 = NAME(some)(whole, weight + stride, at, count, is_half);
  sums[1] += w1 * x0;
  if (rows > 1) sums[5] += w1 * x1;
  if (rows > 2) sums[9] += w1 * x2;
  const Floats w2 = NAME(some)(whole, weight + 2 * stride, at, count, is_half);
  sums[2] += w2 * x0;
  if (rows > 1) sums[6] += w2 * x1;
  if (rows > 2) sums[10] += w2 * x2;
  const Floats w3 = NAME(some)(whole, weight + 3 * stride, at, count, is_half);
  sums[3] += w3 * x0;
  if (rows > 1) sums[7] += w3 * x1;
  if (rows > 2) sums[11] += w3 * x2;
}

/* Four rows of weights times `rows` (1 to 3) rows of x, over `count` inputs: out[row · 4 + output]. */
INLINE void NAME(dots)(const int rows, const int is_half, const int ahead, const char *weight, size_t stride,
                       const float *x, size_t x_stride, int count, float *out) {
  const Floats zero = NAME(splat)(0);
  Floats sums[12] = {zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
  int i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    if (ahead) NAME(read_ahead)(is_half ? 2 : 4, weight, stride, i);
    NAME(add_some)(1, rows, is_half, weight, stride, x, x_stride, i, count, sums);
  }
  if (i < count) NAME(add_some)(0, rows, is_half, weight, stride, x, x_stride, i, count, sums);
  NAME(sum4)(sums[0], sums[1], sums[2], sums[3], out);
  if (rows > 1) NAME(sum4)(sums[4], sums[5], sums[6], sums[7], out + 4);
  if (rows > 2) NAME(sum4)(sums[8], sums[9], sums[10], sums[11], out + 8);
}

/* `dots` for each number of rows and kind of weights, which are constants to the compiler then. */
static void NAME(dots_of)(int rows, int is_half, int ahead, const void *weight, size_t stride, const float *x,
                          size_t x_stride, int count, float *out) {
#define DOTS_OF(rows, is_half, ahead) NAME(dots)(rows, is_half, ahead, weight, stride, x, x_stride, count, out)
  if (is_half) {
    if (rows == 3) DOTS_OF(3, 1, 1);
    else if (rows == 2) DOTS_OF(2, 1, 1);
    else DOTS_OF(1, 1, 1);
  } else if (ahead) {
    if (rows == 3) DOTS_OF(3, 0, 1);
    else if (rows == 2) DOTS_OF(2, 0, 1);
    else DOTS_OF(1, 0, 1);
  } else {
    if (rows == 3) DOTS_OF(3, 0, 0);
    else if (rows == 2) DOTS_OF(2, 0, 0);
    else DOTS_OF(1, 0, 0);
  }
#undef DOTS_OF
}

/* Asks for a share of the `rows` rows of weights that follow, while the present ones are computed with. */
INLINE void NAME(fetch_next)(const int rows, const char *next, size_t stride, int bytes, int from, int to, int all) {
  const int first = (int)((int64_t)bytes * from / all) / 64 * 64, last = (int)((int64_t)bytes * to / all);
  for (int at = first; at < last; at += 64)
    for (int r = 0; r < rows; r++) __builtin_prefetch(next + r * stride + at, 0, 2);
}

/*
 * sums[row · CHUNK + output · apart] += x[row] · weight[output] over one block of inputs, for `outputs` (at most 4)
 * rows of weights. `weight` may lie in `widened` already, and is read `ahead` otherwise with few rows; `next` is what
 * follows in the model, `next_stride` apart.
 */
static void NAME(add_tile)(const void *weight, size_t stride, int is_half, int outputs, const float *x, size_t x_stride,
                           int rows, int count, const char *next, size_t next_stride, int next_bytes, int apart,
                           int ahead, float *sums) {
  float out[12];
  for (int row = 0; row < rows;) {
    const int left = rows - row;
    const int taken = left == 4 || left == 2 ? 2 : left >= 3 ? 3 : 1;
    if (rows > FEW_ROWS) NAME(fetch_next)(4, next, next_stride, next_bytes, row, row + taken, rows);
    /* Fewer than four rows of weights are read one by one, each as four of the same. */
    const int single = outputs < 4;
    for (int o = 0; o < outputs; o += single ? 1 : 4) {
      const char *from = (const char *)weight + o * stride;
      NAME(dots_of)(taken, is_half, ahead, from, single ? 0 : stride, x + row * x_stride, x_stride, count, out);
      for (int r = 0; r < taken; r++)
        for (int k = 0; k < (single ? 1 : 4); k++) sums[(row + r) * CHUNK + (o + k) * apart] += out[4 * r + k];
    }
    row += taken;
  }
}

/* `rows` rows of `count` weights in bfloat16, `stride` bytes apart, in float32, BLOCK apart; may read `ahead`. */
INLINE void NAME(widen_rows)(const char *weight, size_t stride, int rows, int count, const int ahead, float *to) {
  for (int r = 0; r < rows; r++, weight += stride, to += BLOCK) {
    const uint16_t *from = (const uint16_t *)weight;
    int k = 0;
    for (; k + WIDTH <= count; k += WIDTH) {
      if (ahead && k % 32 == 0) __builtin_prefetch(weight + k * 2 + AHEAD, 0, 3);
      NAME(put)(to + k, NAME(widen)(from + k));
    }
    for (; k < count; k++) to[k] = NAME(widen_one)(from[k]);
  }
}

/* sums[row · CHUNK + output] += x[row] · weight[output] for `outputs` rows of weights, in tiles of four. */
static void NAME(add_tiles)(const Linear *linear, const char *weight, int outputs, const float *x, int rows,
                            Scratch *scratch, float *sums) {
  const int inputs = linear->inputs;
  const size_t size = linear->is_half ? 2 : 4;
  const size_t stride = (size_t)inputs * size;
  /*
   * With few rows the weights stream through once, as four streams, each from its own quarter of the outputs; with
   * many, a block of x stays in the cache instead. The last few outputs are a tile of their own.
   */
  const int many = rows > FEW_ROWS, whole = outputs / 4;
  const int outer = many ? (inputs + BLOCK - 1) / BLOCK : (outputs + 3) / 4;
  const int inner = many ? (outputs + 3) / 4 : (inputs + BLOCK - 1) / BLOCK;
  for (int i = 0; i < outer; i++) {
    for (int j = 0; j < inner; j++) {
      const int at = BLOCK * (many ? i : j), group = many ? j : i;
      const int o = many || group == whole ? 4 * group : group, apart = many || group == whole ? 1 : whole;
      const int count = inputs - at < BLOCK ? inputs - at : BLOCK;
      const int width = group == whole ? outputs - o : 4;
      const char *tile = weight + o * stride + at * size;
      size_t tile_stride = apart * stride;
      int is_half = linear->is_half;
      const int widened = is_half && rows > 3;
      if (widened) {
        /* Once, not for every three rows. */
        if (many) NAME(widen_rows)(tile, tile_stride, width, count, 0, scratch->widened);
        else NAME(widen_rows)(tile, tile_stride, width, count, 1, scratch->widened);
        tile = (const char *)scratch->widened;
        tile_stride = BLOCK * sizeof(float);
        is_half = 0;
      }
      NAME(add_tile)(tile, tile_stride, is_half, width, x + at, inputs, rows, count, weight + (o + 4) * stride + at * size,
                     stride, count * (int)size, apart, !many && !widened, sums + o);
    }
  }
}

#if defined(HAS_AVX512)
#include "wide-tiles.h"
#else
INLINE void NAME(add_products)(const Linear *linear, const char *weight, int outputs, const float *x, int rows,
                               Scratch *scratch, float *sums) {
  NAME(add_tiles)(linear, weight, outputs, x, rows, scratch, sums);
}
#endif

/* sums[rows, CHUNK] of outputs `first` .. `first + outputs - 1` of a layer, its bias and adapter included. */
static void NAME(chunk)(const Linear *linear, int first, int outputs, const float *x, int rows, const float *low,
                        int low_stride, Scratch *scratch, float *sums) {
  const char *weight = (const char *)linear->weight + first * ((size_t)linear->inputs * (linear->is_half ? 2 : 4));
  for (int row = 0; row < rows; row++)
    for (int o = 0; o < outputs; o++) sums[row * CHUNK + o] = linear->bias ? linear->bias[first + o] : 0;
  NAME(add_products)(linear, weight, outputs, x, rows, scratch, sums);
  if (linear->rank == 0) return;
  for (int o = 0; o < outputs; o++) {
    const float *b = linear->b + (size_t)(first + o) * linear->rank;
    for (int row = 0; row < rows; row++) {
      float sum = 0;
      for (int r = 0; r < linear->rank; r++) sum += low[row * low_stride + r] * b[r];
      sums[row * CHUNK + o] += linear->scale * sum;
    }
  }
}

/* Task of `linear_phase`: CHUNK outputs of one of its layers. */
static void NAME(linear_task)(void *context, int index, int thread) {
  const Phase *phase = context;
  Scratch *scratch = &phase->step->scratch[thread];
  int part = 0, start = 0, low = 0;
  for (; index >= start + phase->chunks[part]; part++) {
    start += phase->chunks[part];
    low += phase->linear[part]->rank;
  }
  const Linear *linear = phase->linear[part];
  const int first = (index - start) * CHUNK;
  const int outputs = linear->outputs - first < CHUNK ? linear->outputs - first : CHUNK;
  const int rows = phase->step->count;
  NAME(chunk)(linear, first, outputs, phase->x, rows, phase->low + low, phase->low_stride, scratch, scratch->sums);
  float *to = phase->out + phase->offset[part] + first;
  if (phase->kind == GATED) {
    const Linear *up = phase->linear[1];
    float *other = scratch->sums + (size_t)rows * CHUNK;
    NAME(chunk)(up, first, outputs, phase->x, rows, phase->low + linear->rank, phase->low_stride, scratch, other);
    for (int row = 0; row < rows; row++) {
      float *sums = scratch->sums + row * CHUNK;
      /* Whole vectors: what lies past the outputs is not stored. */
      for (int o = 0; o < outputs; o += WIDTH) {
        const Floats gate = NAME(load)(sums + o);
        NAME(put)(sums + o, gate * (1.0f / (1.0f + NAME(exp)(-gate))) * NAME(load)(other + row * CHUNK + o));
      }
    }
  }
  for (int row = 0; row < rows; row++, to += phase->stride) {
    const float *sums = scratch->sums + row * CHUNK;
    if (phase->kind == ADDED)
      for (int o = 0; o < outputs; o++) to[o] += sums[o];
    else
      memcpy(to, sums, outputs * sizeof(float));
  }
}

/* y = x · scale · w with scale = 1 / √(mean of x² + ε). `y` may be `x`. */
static void NAME(rms_norm)(const float *x, const float *weight, int width, float epsilon, float *y) {
  Floats squares = NAME(splat)(0);
  int i = 0;
  for (; i + WIDTH <= width; i += WIDTH) squares += NAME(load)(x + i) * NAME(load)(x + i);
  float total = NAME(sum)(squares);
  for (; i < width; i++) total += x[i] * x[i];
  const float scale = 1.0f / sqrtf(total / (float)width + epsilon);
  for (i = 0; i + WIDTH <= width; i += WIDTH) NAME(put)(y + i, NAME(load)(x + i) * scale * NAME(load)(weight + i));
  for (; i < width; i++) y[i] = x[i] * scale * weight[i];
}

/* (a, b) → (a cos - b sin, b cos + a sin) of a head's two halves, times `scale`. `to` may be `from`. */
static void NAME(turn)(const float *from, int half, const float *cos, const float *sin, float scale, float *to) {
  for (int i = 0; i < half; i++) {
    const float a = from[i] * scale, b = from[half + i] * scale;
    to[i] = a * cos[i] - b * sin[i];
    to[half + i] = b * cos[i] + a * sin[i];
  }
}

/* Scores of a query against `count` keys that lie `stride` floats apart. */
static void NAME(score)(const float *query, const float *keys, size_t stride, int count, int size, float *scores) {
  float last[4];
  int k = 0;
  for (; k + 4 <= count; k += 4) 
    NAME(dots_of)(1, 0, 0, keys + k * stride, stride * sizeof(float), query, 0, size, scores + k);
  for (; k < count; k++) {
    NAME(dots_of)(1, 0, 0, keys + k * stride, 0, query, 0, size, last);
    scores[k] = last[0];
  }
}

/* out += Σ weight · value, over `vectors` (at most 8) vectors of columns of values that lie `stride` floats apart. */
INLINE void NAME(weigh_columns)(const int vectors, const float *weights, const float *values, size_t stride, int count,
                                float *out) {
  Floats o[8];
  for (int v = 0; v < vectors; v++) o[v] = NAME(load)(out + WIDTH * v);
  for (int k = 0; k < count; k++, values += stride) {
    const Floats w = NAME(splat)(weights[k]);
    for (int v = 0; v < vectors; v++) o[v] += w * NAME(load)(values + WIDTH * v);
  }
  for (int v = 0; v < vectors; v++) NAME(put)(out + WIDTH * v, o[v]);
}

static void NAME(weigh)(const float *weights, const float *values, size_t stride, int count, int size, float *out) {
  int i = 0;
  for (; i + 64 <= size; i += 64) NAME(weigh_columns)(64 / WIDTH, weights, values + i, stride, count, out + i);
  for (; i + WIDTH <= size; i += WIDTH) NAME(weigh_columns)(1, weights, values + i, stride, count, out + i);
  for (; i < size; i++)
    for (int k = 0; k < count; k++) out[i] += weights[k] * values[k * stride + i];
}

static void NAME(softmax)(float *x, int count) {
  float most = x[0];
  for (int i = 1; i < count; i++) most = x[i] > most ? x[i] : most;
  Floats sums = NAME(splat)(0);
  int i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    const Floats e = NAME(exp)(NAME(load)(x + i) - most);
    NAME(put)(x + i, e);
    sums += e;
  }
  float total = NAME(sum)(sums);
  for (; i < count; i++) total += x[i] = NAME(exp)(NAME(splat)(x[i] - most))[0];
  const float scale = 1.0f / total;
  for (i = 0; i < count; i++) x[i] *= scale;
}

/* Task of the attention of one layer: one row and key head, with the queries that share it. */
static void NAME(attention_task)(void *context, int index, int thread) {
  const Phase *phase = context;
  const Step *step = phase->step;
  const Model *model = step->model;
  const Layer *layer = phase->layer;
  const int size = model->head_size, half = size / 2, keys = model->key_heads;
  const int row = index / keys, group = index % keys;
  const int repeats = model->heads / keys;
  const size_t stride = 2 * (size_t)keys * size;
  const Row *place = &step->rows[row];
  const float *cos = step->cos + (size_t)row * half, *sin = step->sin + (size_t)row * half;
  float *qkv = step->qkv + (size_t)row * (model->heads + 2 * keys) * size;
  float *scores = step->scratch[thread].scores;
  const float *prompt = place->prompt + (size_t)phase->number * place->prompt_length * stride;
  float *own = place->own + (size_t)phase->number * place->own_capacity * stride;

  float *key = qkv + (size_t)(model->heads + group) * size;
  if (layer->key_norm) NAME(rms_norm)(key, layer->key_norm, size, model->epsilon, key);
  float *stored = own + place->own_length * stride;
  NAME(turn)(key, half, cos, sin, 1, stored + group * size);
  memcpy(stored + (keys + group) * size, key + (size_t)keys * size, size * sizeof(float));

  const int past = place->prompt_length, now = place->own_length + 1;
  for (int h = group * repeats; h < (group + 1) * repeats; h++) {
    float *query = qkv + (size_t)h * size;
    float *out = step->attended + ((size_t)row * model->heads + h) * size;
    if (layer->query_norm) NAME(rms_norm)(query, layer->query_norm, size, model->epsilon, query);
    NAME(turn)(query, half, cos, sin, 1.0f / sqrtf((float)size), query);
    NAME(score)(query, prompt + group * size, stride, past, size, scores);
    NAME(score)(query, own + group * size, stride, now, size, scores + past);
    NAME(softmax)(scores, past + now);
    memset(out, 0, size * sizeof(float));
    NAME(weigh)(scores, prompt + (keys + group) * size, stride, past, size, out);
    NAME(weigh)(scores + past, own + (keys + group) * size, stride, now, size, out);
  }
}

/* The token's row of the embedding. */
static void NAME(embed)(const Model *model, int token, float *out) {
  const size_t at = (size_t)token * model->hidden;
  if (!model->is_half_embedding) {
    memcpy(out, (const float *)model->embedding + at, model->hidden * sizeof(float));
    return;
  }
  for (int i = 0; i < model->hidden; i++) out[i] = NAME(widen_one)(((const uint16_t *)model->embedding)[at + i]);
}

static void NAME(linear_phase)(Phase phase, int parts, const Linear *const *linear, int stride) {
  Step *step = phase.step;
  int rank = 0, total = 0, offset = 0;
  for (int i = 0; i < parts; i++) rank += linear[i]->rank;
  if (rank > 0) {
    /* What adapters' first matrices make of x, side by side: layers of their own. */
    Linear first[3];
    const Linear *low[3];
    int count = 0;
    for (int i = 0; i < parts; i++) {
      if (linear[i]->rank == 0) continue;
      first[count] = (Linear){.weight = linear[i]->a, .outputs = linear[i]->rank, .inputs = linear[i]->inputs};
      low[count] = &first[count];
      count++;
    }
    NAME(linear_phase)((Phase){.step = step, .kind = PLAIN, .x = phase.x, .out = step->low}, count, low, rank);
  }
  phase.low = step->low;
  phase.low_stride = rank;
  phase.stride = stride;
  for (int i = 0; i < parts; i++) {
    phase.linear[i] = linear[i];
    phase.offset[i] = offset;
    phase.chunks[i] = (linear[i]->outputs + CHUNK - 1) / CHUNK;
    if (phase.kind == GATED && i > 0) continue;
    offset += linear[i]->outputs;
    total += phase.chunks[i];
  }
  run_tasks(step->pool, total, NAME(linear_task), &phase);
}

static void NAME(norm_rows)(const Step *step, const float *weight) {
  const int hidden = step->model->hidden;
  for (int row = 0; row < step->count; row++)
    NAME(rms_norm)(step->x + (size_t)row * hidden, weight, hidden, step->model->epsilon, step->normal + (size_t)row * hidden);
}

/* Logits [count, vocabulary] of the final hidden states in `normal`. */
static void NAME(head_logits)(Step *step) {
  const Model *model = step->model;
  const Linear *head[] = {&model->head};
  NAME(linear_phase)((Phase){.step = step, .kind = PLAIN, .x = step->normal, .out = step->logits}, 1, head,
                     model->vocabulary);
}

/* Writes logits [count, vocabulary] of the tokens that follow. */
static void NAME(decode_step)(Step *step) {
  const Model *model = step->model;
  const int hidden = model->hidden;
  const int qkv_width = (model->heads + 2 * model->key_heads) * model->head_size;
  for (int row = 0; row < step->count; row++)
    NAME(embed)(model, step->rows[row].token, step->x + (size_t)row * hidden);
  for (int i = 0; i < model->layers; i++) {
    const Layer *layer = &model->layer[i];
    const Linear *linear[LINEARS];
    for (int l = 0; l < LINEARS; l++) linear[l] = &layer->linear[l];
    NAME(norm_rows)(step, layer->first_norm);
    NAME(linear_phase)((Phase){.step = step, .kind = PLAIN, .x = step->normal, .out = step->qkv}, 3, &linear[QUERY],
                       qkv_width);
    Phase attention = {.step = step, .layer = layer, .number = i};
    run_tasks(step->pool, step->count * model->key_heads, NAME(attention_task), &attention);
    NAME(linear_phase)((Phase){.step = step, .kind = ADDED, .x = step->attended, .out = step->x}, 1, &linear[OUTPUT],
                       hidden);
    NAME(norm_rows)(step, layer->second_norm);
    NAME(linear_phase)((Phase){.step = step, .kind = GATED, .x = step->normal, .out = step->inner}, 2, &linear[GATE],
                       model->intermediate);
    NAME(linear_phase)((Phase){.step = step, .kind = ADDED, .x = step->inner, .out = step->x}, 1, &linear[DOWN], hidden);
  }
  NAME(norm_rows)(step, model->final_norm);
  NAME(head_logits)(step);
}

/* Rotated keys, and values, of rows [q k v] into caches: `to[row]` is where a row's keys start. */
static void NAME(store_rows)(const Model *model, const float *qkv, const float *cos, const float *sin, int rows,
                             float *const *to) {
  const int size = model->head_size, half = size / 2, keys = model->key_heads;
  for (int row = 0; row < rows; row++, qkv += (size_t)(model->heads + 2 * keys) * size) {
    if (!to[row]) continue;
    const float *key = qkv + (size_t)model->heads * size;
    for (int h = 0; h < keys; h++)
      NAME(turn)(key + (size_t)h * size, half, cos + (size_t)row * half, sin + (size_t)row * half, 1, to[row] + (size_t)h * size);
    memcpy(to[row] + (size_t)keys * size, key + (size_t)keys * size, (size_t)keys * size * sizeof(float));
  }
}
