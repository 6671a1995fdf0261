/*
 * A Node-API addon that decodes: one step of all rows through a language model is one call (decode-step.h). It works on
 * the memory of TensorFlow's tensors where they lie; caches of keys and values are its own.
 *
 * Addresses are numbers for JavaScript, exact below 2^53. Callers inside this repository pass them unchecked.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <math.h>
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "draws.h"
#include "model.h"
#include "step.h"
#include "tensor-address.h"
#include "../shared/thread-pool.h"

#define KERNELS "../decoding/kernels.h"
#include "../shared/instruction-sets.h"
#include "../shared/use-instructions.h"

typedef struct {
  void (*step)(Step *step);
  void (*head)(Step *step);
  void (*store)(const Model *model, const float *qkv, const float *cos, const float *sin, int rows, float *const *to);
  Task draw;
} Kernels;

/* By BASE, AVX2, AVX512. */
static const Kernels kernels[] = {
    {base_decode_step, base_head_logits, base_store_rows, base_draw_task},
#if defined(__x86_64__)
    {avx2_decode_step, avx2_head_logits, avx2_store_rows, avx2_draw_task},
    {avx512_decode_step, avx512_head_logits, avx512_store_rows, avx512_draw_task},
#endif
};

/* A model with the threads and buffers that decode it. */
typedef struct {
  Model model;
  Kernels kernels;
  Pool *pool;
  Scratch *scratch;
  Row *rows;
  int row_room;
  float *buffer;
  size_t buffer_floats;
} Decoder;

static napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

static napi_value out_of_memory(napi_env env) { return fail(env, "out of memory"); }

static double *doubles(napi_env env, napi_value value, size_t *length) {
  void *data = NULL;
  napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL);
  return data;
}

static float *floats(napi_env env, napi_value value) {
  void *data = NULL;
  napi_get_typedarray_info(env, value, NULL, NULL, &data, NULL, NULL);
  return data;
}

static double number(napi_env env, napi_value value) {
  double result = 0;
  napi_get_value_double(env, value, &result);
  return result;
}

static void *address(double value) { return (void *)(uintptr_t)value; }

static void free_decoder(Decoder *decoder) {
  if (decoder->pool) close_pool(decoder->pool);
  free(decoder->model.layer);
  free(decoder->scratch);
  free(decoder->rows);
  free(decoder->buffer);
  memset(decoder, 0, sizeof *decoder);
}

static void finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free_decoder(data);
  free(data);
}

static Decoder *decoder_of(napi_env env, napi_value value) {
  void *data = NULL;
  napi_get_value_external(env, value, &data);
  return data;
}

/* Numbers of the description that JavaScript makes (native-step-kernels.ts). */
#define HEADER_NUMBERS 11
#define LAYER_NUMBERS 4
#define LINEAR_NUMBERS 9

static const double *read_linear(const double *from, Linear *linear) {
  *linear = (Linear){.weight = address(from[0]),
                     .is_half = from[1] != 0,
                     .outputs = (int)from[2],
                     .inputs = (int)from[3],
                     .bias = address(from[4]),
                     .rank = (int)from[5],
                     .a = address(from[6]),
                     .b = address(from[7]),
                     .scale = (float)from[8]};
  return from + LINEAR_NUMBERS;
}

/* open(description: Float64Array, threads: number): decoder */
static napi_value open_decoder(napi_env env, napi_callback_info info) {
  size_t count = 2, length = 0;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  const double *from = doubles(env, arguments[0], &length);
  if (!from || length < HEADER_NUMBERS + LINEAR_NUMBERS) return fail(env, "the description of the model is too short");
  const int layers = (int)from[6];
  if (length != HEADER_NUMBERS + LINEAR_NUMBERS + (size_t)layers * (LAYER_NUMBERS + LINEARS * LINEAR_NUMBERS))
    return fail(env, "the description of the model has another length");
  Decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) return out_of_memory(env);
  Model *model = &decoder->model;
  *model = (Model){.hidden = (int)from[0],
                   .intermediate = (int)from[1],
                   .heads = (int)from[2],
                   .key_heads = (int)from[3],
                   .head_size = (int)from[4],
                   .vocabulary = (int)from[5],
                   .layers = layers,
                   .epsilon = (float)from[7],
                   .embedding = address(from[8]),
                   .is_half_embedding = from[9] != 0,
                   .final_norm = address(from[10]),
                   .layer = calloc((size_t)layers, sizeof(Layer))};
  decoder->kernels = kernels[instructions_used];
  const double threads = number(env, arguments[1]);
  decoder->pool = open_pool(threads < 1 ? 1 : (int)threads);
  decoder->scratch = decoder->pool ? calloc((size_t)decoder->pool->count, sizeof(Scratch)) : NULL;
  napi_value result;
  if (!model->layer || !decoder->scratch ||
      napi_create_external(env, decoder, finalize, NULL, &result) != napi_ok) {
    finalize(env, decoder, NULL);
    return out_of_memory(env);
  }
  from = read_linear(from + HEADER_NUMBERS, &model->head);
  for (int i = 0; i < layers; i++) {
    Layer *layer = &model->layer[i];
    layer->first_norm = address(from[0]);
    layer->second_norm = address(from[1]);
    layer->query_norm = address(from[2]);
    layer->key_norm = address(from[3]);
    from += LAYER_NUMBERS;
    for (int l = 0; l < LINEARS; l++) from = read_linear(from, &layer->linear[l]);
  }
  return result;
}

/* close(decoder): ends its threads and frees its buffers; caches are the caller's */
static napi_value close_decoder(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  free_decoder(decoder_of(env, argument));
  return NULL;
}

/* allocate(bytes: number): address */
static napi_value allocate(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, result;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  const double bytes = number(env, argument);
  void *memory = NULL;
  if (bytes < 9e15 && posix_memalign(&memory, 64, bytes < 1 ? 1 : (size_t)bytes) != 0) memory = NULL;
  if (!memory) return out_of_memory(env);
  napi_create_double(env, (double)(uintptr_t)memory, &result);
  return result;
}

/* release(address) */
static napi_value release(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  free(address(number(env, argument)));
  return NULL;
}

/* copy(to: address, from: address, bytes) */
static napi_value copy(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  memcpy(address(number(env, arguments[0])), address(number(env, arguments[1])), (size_t)number(env, arguments[2]));
  return NULL;
}

/* read(from: address, to: Float32Array) */
static napi_value read_floats(napi_env env, napi_callback_info info) {
  size_t count = 2, length = 0;
  napi_value arguments[2];
  void *data = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_typedarray_info(env, arguments[1], NULL, &length, &data, NULL, NULL);
  if (length > 0) memcpy(data, address(number(env, arguments[0])), length * sizeof(float));
  return NULL;
}

/*
 * store(decoder, qkv: address, cos: address, sin: address, to: Float64Array): rotates the keys of rows of q, k, v and
 * copies them with the values to the address of each row; 0 leaves a row out
 */
static napi_value store(napi_env env, napi_callback_info info) {
  size_t count = 5, rows = 0;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  const Decoder *decoder = decoder_of(env, arguments[0]);
  const double *to = doubles(env, arguments[4], &rows);
  float **places = malloc((rows + 1) * sizeof *places);
  if (!places) return out_of_memory(env);
  for (size_t i = 0; i < rows; i++) places[i] = address(to[i]);
  decoder->kernels.store(&decoder->model, address(number(env, arguments[1])), address(number(env, arguments[2])),
                         address(number(env, arguments[3])), (int)rows, places);
  free(places);
  return NULL;
}

static int largest_rank(const Model *model) {
  int most = 0;
  for (int i = 0; i < model->layers; i++) {
    const Linear *linear = model->layer[i].linear;
    const int three = linear[QUERY].rank + linear[KEY].rank + linear[VALUE].rank;
    const int two = linear[GATE].rank + linear[UP].rank;
    const int both[] = {three, two, linear[OUTPUT].rank, linear[DOWN].rank};
    for (int k = 0; k < 4; k++) most = both[k] > most ? both[k] : most;
  }
  return most;
}

/* Takes `floats` from the front of what is left, at a multiple of a cache line. */
static float *take(float **left, size_t count) {
  float *taken = *left;
  *left += (count + 15) / 16 * 16;
  return taken;
}

/* The buffers of a step; 0: out of memory. They are kept, and grow. */
static int place_buffers(Decoder *decoder, Step *step, size_t longest) {
  const Model *model = &decoder->model;
  const size_t rows = (size_t)step->count, threads = (size_t)decoder->pool->count;
  const size_t wide = (size_t)model->heads * model->head_size;
  const size_t sizes[] = {rows * model->hidden,       rows * model->hidden,
                          rows * (wide + 2 * (size_t)model->key_heads * model->head_size),
                          rows * wide,                rows * model->intermediate,
                          rows * largest_rank(model)};
  const size_t own[] = {2 * rows * CHUNK, WIDENED * BLOCK, longest};
  size_t total = 16;
  for (int i = 0; i < 6; i++) total += (sizes[i] + 15) / 16 * 16;
  for (int i = 0; i < 3; i++) total += threads * ((own[i] + 15) / 16 * 16);
  if (total > decoder->buffer_floats) {
    free(decoder->buffer);
    decoder->buffer_floats = 0;
    void *memory = NULL;
    if (posix_memalign(&memory, 64, total * sizeof(float)) != 0) memory = NULL;
    decoder->buffer = memory;
    if (!memory) return 0;
    decoder->buffer_floats = total;
  }
  float *left = decoder->buffer;
  float **const buffers[] = {&step->x, &step->normal, &step->qkv, &step->attended, &step->inner, &step->low};
  for (int i = 0; i < 6; i++) *buffers[i] = take(&left, sizes[i]);
  for (size_t t = 0; t < threads; t++) {
    Scratch *scratch = &decoder->scratch[t];
    scratch->sums = take(&left, own[0]);
    scratch->widened = take(&left, own[1]);
    scratch->scores = take(&left, own[2]);
  }
  return 1;
}

#define ROW_NUMBERS 6

/*
 * step(decoder, rows: Float64Array, cos: Float32Array, sin: Float32Array, logits: Float32Array): `rows` is six numbers a
 * row: token, prompt's cache, its length, the row's own cache, its length, its capacity
 */
static napi_value step(napi_env env, napi_callback_info info) {
  size_t count = 5, length = 0;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  Decoder *decoder = decoder_of(env, arguments[0]);
  const double *from = doubles(env, arguments[1], &length);
  const int rows = (int)(length / ROW_NUMBERS);
  if (rows > decoder->row_room) {
    free(decoder->rows);
    decoder->rows = malloc((size_t)rows * sizeof(Row));
    decoder->row_room = decoder->rows ? rows : 0;
    if (!decoder->rows) return out_of_memory(env);
  }
  size_t longest = 1;
  for (int i = 0; i < rows; i++, from += ROW_NUMBERS) {
    decoder->rows[i] = (Row){.token = (int)from[0],
                             .prompt = address(from[1]),
                             .prompt_length = (int)from[2],
                             .own = address(from[3]),
                             .own_length = (int)from[4],
                             .own_capacity = (int)from[5]};
    const size_t keys = (size_t)(from[2] + from[4]) + 1;
    if (keys > longest) longest = keys;
  }
  /* Room for sequences that grow, so that the buffers are not made again with each token. */
  longest = (longest + 1023) / 1024 * 1024;
  Step state = {.model = &decoder->model,
                .pool = decoder->pool,
                .rows = decoder->rows,
                .count = rows,
                .cos = floats(env, arguments[2]),
                .sin = floats(env, arguments[3]),
                .logits = floats(env, arguments[4]),
                .scratch = decoder->scratch};
  if (!place_buffers(decoder, &state, longest)) return out_of_memory(env);
  decoder->kernels.step(&state);
  return NULL;
}

/* head(decoder, hidden: address, logits: Float32Array): the logits of final hidden states, a row each */
static napi_value head(napi_env env, napi_callback_info info) {
  size_t count = 3, length = 0;
  napi_value arguments[3];
  void *logits = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  Decoder *decoder = decoder_of(env, arguments[0]);
  napi_get_typedarray_info(env, arguments[2], NULL, &length, &logits, NULL, NULL);
  Step state = {.model = &decoder->model,
                .pool = decoder->pool,
                .count = (int)(length / (size_t)decoder->model.vocabulary),
                .logits = logits,
                .scratch = decoder->scratch};
  if (!place_buffers(decoder, &state, 1)) return out_of_memory(env);
  state.normal = address(number(env, arguments[1]));
  decoder->kernels.head(&state);
  return NULL;
}

/*
 * draw(decoder, logits: Float32Array, scale: number, uniforms: Float64Array, out: Float64Array): a token for each row, with
 * the largest logit and the total of the weights (draws.h)
 */
static napi_value draw(napi_env env, napi_callback_info info) {
  size_t count = 5, rows = 0;
  napi_value arguments[5];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  Decoder *decoder = decoder_of(env, arguments[0]);
  Draws draws = {.vocabulary = decoder->model.vocabulary,
                 .blocks = (decoder->model.vocabulary + DRAW_BLOCK - 1) / DRAW_BLOCK,
                 .scale = number(env, arguments[2]),
                 .logits = floats(env, arguments[1]),
                 .uniforms = doubles(env, arguments[3], &rows),
                 .out = doubles(env, arguments[4], &count)};
  draws.sums = malloc((rows * (size_t)draws.blocks + 1) * sizeof(double));
  if (!draws.sums) return out_of_memory(env);
  run_tasks(decoder->pool, (int)rows, decoder->kernels.draw, &draws);
  free(draws.sums);
  return NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char tensorflow_library[4096];
static const char *address_op_failure;

static void register_once(void) { address_op_failure = register_address_op(tensorflow_library); }

/* connect(library: string): undefined once the op VTriuneAddress works in this process, or what is missing */
static napi_value connect(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument, result = NULL;
  char library[sizeof tensorflow_library];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  if (napi_get_value_string_utf8(env, argument, library, sizeof library, &length) != napi_ok)
    return fail(env, "connect: the library's path is no text");
  /* A process holds one TensorFlow; threads of Node's get here one after another. */
  if (tensorflow_library[0] == 0) memcpy(tensorflow_library, library, length + 1);
  pthread_once(&once, register_once);
  if (address_op_failure) napi_create_string_utf8(env, address_op_failure, NAPI_AUTO_LENGTH, &result);
  return result;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"connect", NULL, connect, NULL, NULL, NULL, napi_enumerable, NULL},
      {"open", NULL, open_decoder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_decoder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"allocate", NULL, allocate, NULL, NULL, NULL, napi_enumerable, NULL},
      {"release", NULL, release, NULL, NULL, NULL, napi_enumerable, NULL},
      {"copy", NULL, copy, NULL, NULL, NULL, napi_enumerable, NULL},
      {"read", NULL, read_floats, NULL, NULL, NULL, napi_enumerable, NULL},
      {"store", NULL, store, NULL, NULL, NULL, napi_enumerable, NULL},
      {"draw", NULL, draw, NULL, NULL, NULL, napi_enumerable, NULL},
      {"head", NULL, head, NULL, NULL, NULL, napi_enumerable, NULL},
      {"step", NULL, step, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  export_instructions(env, exports);
  return exports;
}
