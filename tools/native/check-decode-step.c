/*
 * Compares packages/backend/native/decoding/decode-step.h with plain loops in double precision, for compilers and
 * processors that the addon's own tests do not reach. On Debian, with gcc-aarch64-linux-gnu and qemu-user:
 *
 *   aarch64-linux-gnu-gcc -O2 -pthread -static tools/native/check-decode-step.c -o check -lm && qemu-aarch64 ./check
 *   clang -O3 -ffp-contract=fast -pthread tools/native/check-decode-step.c -o check -lm && ./check
 *
 * On x86-64 it checks SSE2, AVX2 and AVX-512, as far as the processor has them. -DBASE_WIDTH=16 (with -mavx2 -mfma or without)
 * checks the vectors of sixteen of AVX-512 on any processor.
 *
 * A model of odd sizes with random weights, an adapter and norms of heads decodes two tokens of several rows. Prints the
 * largest difference of a logit; ends with 1 where one is above 2e-4, or where a bit depends on the rows beside a row, on
 * the number of threads, or on whether weights of the same values are in bfloat16.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../packages/backend/native/decoding/model.h"
#include "../../packages/backend/native/decoding/step.h"
#define KERNELS "../decoding/decode-step.h"
#include "../../packages/backend/native/shared/instruction-sets.h"

typedef void (*DecodeStep)(Step *step);

static const DecodeStep decode_steps[] = {
    base_decode_step,
#if defined(__x86_64__)
    avx2_decode_step,
    avx512_decode_step,
#endif
};

enum { HIDDEN = 76, INNER = 1101, HEADS = 4, KEY_HEADS = 2, SIZE = 26, VOCABULARY = 333, LAYERS = 2, RANK = 3 };
enum { KEYS = KEY_HEADS * SIZE, QKV = HEADS * SIZE + 2 * KEYS, PROMPT = 11, CAPACITY = 4, ROWS = 13, STEPS = 2 };

static uint32_t seed = 1;

/* A number between -scale and scale whose lower half is zero, as bfloat16 holds it. */
static float draw(float scale) {
  seed = seed * 1664525u + 1013904223u;
  float value = scale * ((float)(seed >> 8) / 8388608.0f - 1.0f);
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits &= 0xffff0000u;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

static float *fill(size_t count, float scale, float middle) {
  float *values = malloc(count * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = middle + draw(scale);
  return values;
}

static const void *halves(const void *values, size_t count) {
  uint16_t *out = malloc(count * sizeof *out);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, (const float *)values + i, sizeof bits);
    out[i] = (uint16_t)(bits >> 16);
  }
  return out;
}

static Linear linear(int outputs, int inputs, int rank) {
  return (Linear){.weight = fill((size_t)outputs * inputs, 0.2f, 0),
                  .outputs = outputs,
                  .inputs = inputs,
                  .bias = outputs % 2 ? NULL : fill(outputs, 0.1f, 0),
                  .rank = rank,
                  .a = rank ? fill((size_t)rank * inputs, 0.2f, 0) : NULL,
                  .b = rank ? fill((size_t)outputs * rank, 0.2f, 0) : NULL,
                  .scale = 0.5f};
}

static Layer layers[LAYERS], half_layers[LAYERS];

static Model make_model(void) {
  Model model = {HIDDEN, INNER, HEADS, KEY_HEADS, SIZE, VOCABULARY, LAYERS, 1e-6f, .layer = layers};
  model.embedding = fill((size_t)VOCABULARY * HIDDEN, 1, 0);
  model.final_norm = fill(HIDDEN, 0.1f, 1);
  model.head = linear(VOCABULARY, HIDDEN, 0);
  for (int i = 0; i < LAYERS; i++)
    layers[i] = (Layer){fill(HIDDEN, 0.1f, 1), fill(HIDDEN, 0.1f, 1), fill(SIZE, 0.1f, 1), fill(SIZE, 0.1f, 1),
                        {linear(HEADS * SIZE, HIDDEN, RANK), linear(KEYS, HIDDEN, 0), linear(KEYS, HIDDEN, RANK),
                         linear(HIDDEN, HEADS * SIZE, RANK), linear(INNER, HIDDEN, 0), linear(INNER, HIDDEN, RANK),
                         linear(HIDDEN, INNER, 0)}};
  return model;
}

static Linear in_half(Linear linear) {
  linear.weight = halves(linear.weight, (size_t)linear.outputs * linear.inputs);
  linear.is_half = 1;
  return linear;
}

static Model halved(Model model) {
  model.embedding = halves(model.embedding, (size_t)VOCABULARY * HIDDEN);
  model.is_half_embedding = 1;
  model.head = in_half(model.head);
  model.layer = half_layers;
  for (int i = 0; i < LAYERS; i++) {
    half_layers[i] = layers[i];
    for (int l = 0; l < LINEARS; l++) half_layers[i].linear[l] = in_half(layers[i].linear[l]);
  }
  return model;
}

static float prompt[LAYERS * PROMPT * 2 * KEYS];
static float cosines[ROWS * SIZE / 2], sines[ROWS * SIZE / 2];

static int token_of(int row, int step) { return (row * 29 + step * 101) % VOCABULARY; }

/* Logits [STEPS, count, VOCABULARY] of rows `from` on. */
static void decode(DecodeStep decode_step, const Model *model, int from, int count, int threads, float *logits) {
  Pool *pool = open_pool(threads);
  Scratch scratch[8];
  Row rows[ROWS];
  for (int t = 0; t < threads; t++)
    scratch[t] = (Scratch){malloc(8 * ROWS * CHUNK), malloc(4 * WIDENED * BLOCK), malloc(4 * (PROMPT + CAPACITY))};
  for (int r = 0; r < count; r++)
    rows[r] = (Row){0, prompt, PROMPT, calloc(LAYERS * CAPACITY * 2 * KEYS, sizeof(float)), 0, CAPACITY};
  for (int s = 0; s < STEPS; s++) {
    for (int r = 0; r < count; r++) {
      rows[r].token = token_of(from + r, s);
      rows[r].own_length = s;
    }
    Step step = {model, pool, rows, count, cosines + from * SIZE / 2, sines + from * SIZE / 2, .scratch = scratch};
    step.x = malloc(4 * ROWS * HIDDEN);
    step.normal = malloc(4 * ROWS * HIDDEN);
    step.qkv = malloc(4 * ROWS * QKV);
    step.attended = malloc(4 * ROWS * HEADS * SIZE);
    step.inner = malloc(4 * ROWS * INNER);
    step.low = malloc(4 * ROWS * 3 * RANK);
    step.logits = logits + (size_t)s * count * VOCABULARY;
    decode_step(&step);
  }
  close_pool(pool);
}

static void product(const Linear *linear, const double *x, double *y) {
  double low[RANK] = {0};
  for (int r = 0; r < linear->rank; r++)
    for (int i = 0; i < linear->inputs; i++) low[r] += x[i] * linear->a[r * linear->inputs + i];
  for (int o = 0; o < linear->outputs; o++) {
    y[o] = linear->bias ? linear->bias[o] : 0;
    for (int i = 0; i < linear->inputs; i++) y[o] += x[i] * ((const float *)linear->weight)[o * linear->inputs + i];
    for (int r = 0; r < linear->rank; r++) y[o] += linear->scale * low[r] * linear->b[o * linear->rank + r];
  }
}

static void norm(const double *x, const float *weight, int width, double *y) {
  double squares = 0;
  for (int i = 0; i < width; i++) squares += x[i] * x[i];
  for (int i = 0; i < width; i++) y[i] = x[i] / sqrt(squares / width + 1e-6) * weight[i];
}

static void rotate(double *head, int row) {
  for (int i = 0; i < SIZE / 2; i++) {
    const double a = head[i], b = head[SIZE / 2 + i];
    const double cos = cosines[row * SIZE / 2 + i], sin = sines[row * SIZE / 2 + i];
    head[i] = a * cos - b * sin;
    head[SIZE / 2 + i] = b * cos + a * sin;
  }
}

/* The same logits of one row. */
static void expect(const Model *model, int row, double logits[STEPS][VOCABULARY]) {
  static double past[LAYERS][PROMPT + STEPS][2 * KEYS];
  for (int l = 0; l < LAYERS; l++)
    for (int k = 0; k < PROMPT; k++)
      for (int i = 0; i < 2 * KEYS; i++) past[l][k][i] = prompt[(l * PROMPT + k) * 2 * KEYS + i];
  for (int s = 0; s < STEPS; s++) {
    double x[HIDDEN], normal[HIDDEN], qkv[QKV], attended[HEADS * SIZE], gate[INNER], up[INNER], added[HIDDEN];
    for (int i = 0; i < HIDDEN; i++) x[i] = ((const float *)model->embedding)[token_of(row, s) * HIDDEN + i];
    for (int l = 0; l < LAYERS; l++) {
      const Layer *layer = &model->layer[l];
      norm(x, layer->first_norm, HIDDEN, normal);
      for (int part = QUERY, at = 0; part <= VALUE; at += layer->linear[part++].outputs)
        product(&layer->linear[part], normal, qkv + at);
      for (int h = 0; h < HEADS + KEY_HEADS; h++) {
        norm(qkv + h * SIZE, h < HEADS ? layer->query_norm : layer->key_norm, SIZE, qkv + h * SIZE);
        rotate(qkv + h * SIZE, row);
      }
      const int count = PROMPT + s + 1;
      memcpy(past[l][count - 1], qkv + HEADS * SIZE, sizeof past[l][0]);
      for (int h = 0; h < HEADS; h++) {
        const int group = h / (HEADS / KEY_HEADS);
        double weights[PROMPT + STEPS], total = 0;
        for (int k = 0; k < count; k++) {
          double score = 0;
          for (int i = 0; i < SIZE; i++) score += qkv[h * SIZE + i] * past[l][k][group * SIZE + i];
          total += weights[k] = exp(score / sqrt(SIZE));
        }
        for (int i = 0; i < SIZE; i++) {
          attended[h * SIZE + i] = 0;
          for (int k = 0; k < count; k++)
            attended[h * SIZE + i] += weights[k] / total * past[l][k][KEYS + group * SIZE + i];
        }
      }
      product(&layer->linear[OUTPUT], attended, added);
      for (int i = 0; i < HIDDEN; i++) x[i] += added[i];
      norm(x, layer->second_norm, HIDDEN, normal);
      product(&layer->linear[GATE], normal, gate);
      product(&layer->linear[UP], normal, up);
      for (int i = 0; i < INNER; i++) gate[i] *= up[i] / (1 + exp(-gate[i]));
      product(&layer->linear[DOWN], gate, added);
      for (int i = 0; i < HIDDEN; i++) x[i] += added[i];
    }
    norm(x, model->final_norm, HIDDEN, normal);
    product(&model->head, normal, logits[s]);
  }
}

static float all[STEPS * ROWS * VOCABULARY], other[STEPS * ROWS * VOCABULARY];

/* Whether the kernels of one set of instructions are right. */
static int check(const char *name, DecodeStep decode_step, const Model *model, const Model *half) {
  decode(decode_step, model, 0, ROWS, 1, all);
  double most = 0, largest = 0;
  for (int row = 0; row < ROWS; row++) {
    static double expected[STEPS][VOCABULARY];
    expect(model, row, expected);
    for (int s = 0; s < STEPS; s++)
      for (int v = 0; v < VOCABULARY; v++) {
        const double difference = fabs(all[(s * ROWS + row) * VOCABULARY + v] - expected[s][v]);
        /* Not a number counts, too. */
        if (!(difference <= most)) most = difference;
        if (fabs(expected[s][v]) > largest) largest = fabs(expected[s][v]);
      }
  }
  int failed = !(most <= 2e-4);
  printf("%s: largest difference %.2g in logits of up to %.1f\n", name, most, largest);
  decode(decode_step, model, 0, ROWS, 3, other);
  if (memcmp(all, other, sizeof all) != 0) failed = 1, puts("three threads give other bits");
  decode(decode_step, half, 0, ROWS, 2, other);
  if (memcmp(all, other, sizeof all) != 0) failed = 1, puts("bfloat16 gives other bits");
  for (int count = 1; count < ROWS; count++) {
    decode(decode_step, half, ROWS - count, count, 1, other);
    for (int s = 0; s < STEPS; s++)
      if (memcmp(other + s * count * VOCABULARY, all + (s * ROWS + ROWS - count) * VOCABULARY,
                 sizeof(float) * count * VOCABULARY) != 0)
        failed = 1, printf("%d rows give other bits\n", count);
  }
  puts(failed ? "FAILED" : "the same bits for 1 to 13 rows, for 1 to 3 threads, and in bfloat16");
  return failed;
}

int main(void) {
  const Model model = make_model();
  const Model half = halved(model);
  for (size_t i = 0; i < sizeof prompt / sizeof *prompt; i++) prompt[i] = draw(1);
  for (int i = 0; i < ROWS * SIZE / 2; i++) {
    cosines[i] = cosf(0.3f * (float)i);
    sines[i] = sinf(0.3f * (float)i);
  }
  int failed = 0;
  for (int i = BASE; i <= best_instructions(); i++) failed |= check(instruction_names[i], decode_steps[i], &model, &half);
  return failed;
}
