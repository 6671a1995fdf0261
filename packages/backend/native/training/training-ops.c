/*
 * A Node-API addon that adds ops for training to TensorFlow: what its own ops compute in many passes over memory, and keep
 * much of, these do in one. TensorFlow allocates their results, and TensorFlow.js runs them as it runs any op.
 *
 *   VTriuneAttention(qkv, cos, sin, plan) -> (out, turned, lse)
 *   VTriuneAttentionGradient(dy, turned, out, lse, cos, sin, plan) -> dqkv
 *   VTriuneRmsNorm(x, weight, epsilon) -> (y, inverse), VTriuneRmsNormGradient(dy, x, weight, inverse) -> (dx, dweight)
 *   VTriuneSwiglu(x) -> y, VTriuneSwigluGradient(dy, x) -> dx
 *   VTriuneAddRow(x, row) -> y, VTriuneColumnSums(x) -> sums
 *   VTriuneLogProbs(logits, targets, settings) -> (value, stats)
 *   VTriuneLogProbsGradient(dy, logits, targets, stats, settings) -> dlogits
 *   VTriuneAdamW(p..., g..., m..., v..., constants) -> (p..., m..., v...), of any shapes
 *   VTriuneSumOfSquares(tensors...) -> sums, of any shapes
 *   VTriuneJoin(matrices...) -> joined, one below the other
 *   VTriuneLowRank(base, x, columns, scales, adapters...) -> (y, u)
 *   VTriuneLowRankGradient(dy, base, x, u, columns, scales, adapters...) -> (dx, adapters' gradients...)
 *
 * Callers inside this repository pass shapes that fit, unchecked.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <math.h>
#include <node_api.h>
#include <string.h>
#include "../shared/tensorflow.h"
#include "../shared/thread-pool.h"
#include "hold-signals.h"
#include "tasks.h"

#define KERNELS "../training/kernels.h"
#include "../shared/instruction-sets.h"
#include "../shared/use-instructions.h"

typedef struct {
  Task turn_rows, forward, backward, turn_back, rms_norm, rms_norm_gradient, swiglu, swiglu_gradient;
  Task add_row, column_sums, log_probs, log_probs_gradient, adamw, sum_of_squares;
  Task low_rank, low_rank_back, low_rank_gradient;
} Kernels;

#define TASKS(set)                                                                                             \
  {                                                                                                            \
    set##_turn_rows, set##_forward, set##_backward, set##_turn_back, set##_rms_norm, set##_rms_norm_gradient,  \
        set##_swiglu, set##_swiglu_gradient, set##_add_row, set##_column_sums, set##_log_probs,                \
        set##_log_probs_gradient, set##_adamw, set##_sum_of_squares, set##_low_rank, set##_low_rank_back,      \
        set##_low_rank_gradient                                                                                \
  }

/* By BASE, AVX2, AVX512. */
static const Kernels kernel_sets[] = {
    TASKS(base),
#if defined(__x86_64__)
    TASKS(avx2),
    TASKS(avx512),
#endif
};

static const Kernels *kernels(void) { return &kernel_sets[instructions_used]; }

static Pool *pool;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

/* Runs tasks on all threads, or on this one while another thread of Node's uses them. */
static void share(int count, Task task, void *context) {
  if (pool && pthread_mutex_trylock(&pool_lock) == 0) {
    run_tasks(pool, count, task, context);
    pthread_mutex_unlock(&pool_lock);
    return;
  }
  for (int i = 0; i < count; i++) task(context, i, 0);
}

/* Those of AdamW. */
#define MOST_INPUTS (4 * MOST_TENSORS + 1)

/* A call of an op. */
typedef struct {
  void *context, *status;
  void *inputs[MOST_INPUTS];
  int count;
} Call;

static int failed(const Call *call) { return tensorflow.code(call->status) != 0; }

/* Reads inputs until there are `inputs` of them. */
static void read_inputs(Call *call, int inputs) {
  for (int i = call->count; i < inputs && !failed(call); i++) {
    tensorflow.get_input(call->context, i, &call->inputs[i], call->status);
    if (!failed(call)) call->count++;
  }
}

static Call begin(void *context, int inputs) {
  Call call = {.context = context, .status = tensorflow.new_status(), .count = 0};
  read_inputs(&call, inputs);
  return call;
}

static void end(Call *call) {
  if (failed(call)) tensorflow.fail(call->context, call->status);
  for (int i = 0; i < call->count; i++) tensorflow.delete_tensor(call->inputs[i]);
  tensorflow.delete_status(call->status);
}

static void out_of_memory(Call *call) {
  if (!failed(call)) tensorflow.set(call->status, TF_RESOURCE_EXHAUSTED, "OOM when computing a training step");
}

static const float *input(const Call *call, int index) { return tensorflow.data(call->inputs[index]); }

static int64_t dim(const Call *call, int index, int axis) { return tensorflow.dim(call->inputs[index], axis); }

#define MOST_DIMS 8

/* A new result; NULL where a call has failed. */
static float *output_of(Call *call, int index, const int64_t *dims, int rank) {
  if (failed(call)) return NULL;
  size_t bytes = sizeof(float);
  for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
  void *tensor = tensorflow.allocate_output(call->context, index, TF_FLOAT, dims, rank, bytes, call->status);
  if (failed(call)) return NULL;
  float *data = tensorflow.data(tensor);
  tensorflow.delete_tensor(tensor);
  return data;
}

/* [rows, columns], or [rows] where there are no columns. */
static float *output(Call *call, int index, int64_t rows, int64_t columns) {
  return output_of(call, index, (const int64_t[]){rows, columns}, columns ? 2 : 1);
}

/* Rank and dims of an input, of at most MOST_DIMS, and the number of its elements. */
static size_t shape_of(const Call *call, int index, int64_t *dims, int *rank) {
  size_t size = 1;
  *rank = tensorflow.rank(call->inputs[index]);
  for (int i = 0; i < *rank; i++) size *= (size_t)(dims[i] = dim(call, index, i));
  return size;
}

static int blocks_of(int rows) { return tiles_of(rows); }

/* The input `index` as a plan for the rows of input `rows`; 0, with the call failed, without memory. */
static int plan_of(Call *call, int index, int rows, Plan *plan) {
  *plan = (Plan){0};
  if (failed(call)) return 0;
  if (read_plan(plan, (int)dim(call, rows, 0), tensorflow.data(call->inputs[index]), dim(call, index, 0))) return 1;
  out_of_memory(call);
  return 0;
}

static void compute_attention(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 4);
  Plan plan;
  if (plan_of(&call, 3, 0, &plan)) {
    Attention it = {.plan = &plan, .qkv = input(&call, 0), .cos = input(&call, 1), .sin = input(&call, 2)};
    it.out = output(&call, 0, plan.rows, (int64_t)plan.heads * plan.head_size);
    it.turned = output(&call, 1, plan.rows, dim(&call, 0, 1));
    it.lse = output(&call, 2, plan.rows, plan.heads);
    if (!failed(&call)) {
      const int unseeing = plan.segments > 0 ? plan.segment[0].start : plan.rows;
      memset(it.out, 0, (size_t)unseeing * plan.heads * plan.head_size * sizeof(float));
      memset(it.lse, 0, (size_t)unseeing * plan.heads * sizeof(float));
      share(blocks_of(plan.rows), kernels()->turn_rows, &it);
      share(plan.blocks * plan.heads, kernels()->forward, &it);
      if (it.failed) out_of_memory(&call);
    }
  }
  free_plan(&plan);
  end(&call);
}

static void compute_attention_gradient(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 7);
  Plan plan;
  if (plan_of(&call, 6, 1, &plan)) {
    Attention it = {.plan = &plan, .dy = input(&call, 0), .cos = input(&call, 4), .sin = input(&call, 5)};
    it.turned = (float *)input(&call, 1);
    it.out = (float *)input(&call, 2);
    it.lse = (float *)input(&call, 3);
    it.gradient = output(&call, 0, plan.rows, dim(&call, 1, 1));
    const size_t floats = (size_t)plan.rows * plan.heads * plan.head_size;
    it.key_gradients = calloc(2 * floats + 1, sizeof(float));
    it.value_gradients = it.key_gradients + floats;
    if (!it.key_gradients) out_of_memory(&call);
    if (!failed(&call)) {
      memset(it.gradient, 0, (size_t)(plan.rows * dim(&call, 1, 1)) * sizeof(float));
      share(plan.trees * plan.heads, kernels()->backward, &it);
      share(blocks_of(plan.rows), kernels()->turn_back, &it);
      if (it.failed) out_of_memory(&call);
    }
    free(it.key_gradients);
  }
  free_plan(&plan);
  end(&call);
}

static void compute_rms_norm(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 3);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 0, 0), .width = (int)dim(&call, 0, 1), .epsilon = *input(&call, 2)};
    it.x = input(&call, 0);
    it.weight = input(&call, 1);
    it.y = output(&call, 0, it.rows, it.width);
    it.inverse = output(&call, 1, it.rows, 0);
    if (!failed(&call)) share(blocks_of(it.rows), kernels()->rms_norm, &it);
  }
  end(&call);
}

/* Runs a task whose parts of `width` numbers are added up in order, into `sums`. */
static void sum_parts(Call *call, Rows *it, Task task, float *sums) {
  const int blocks = blocks_of(it->rows);
  it->partial = malloc((size_t)(blocks + 1) * it->width * sizeof(float));
  if (!it->partial) out_of_memory(call);
  if (!failed(call)) {
    share(blocks, task, it);
    memset(sums, 0, (size_t)it->width * sizeof(float));
    for (int b = 0; b < blocks; b++)
      for (int i = 0; i < it->width; i++) sums[i] += it->partial[(size_t)b * it->width + i];
  }
  free(it->partial);
}

static void compute_rms_norm_gradient(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 4);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 1, 0), .width = (int)dim(&call, 1, 1)};
    it.dy = input(&call, 0);
    it.x = input(&call, 1);
    it.weight = input(&call, 2);
    it.inverse = (float *)input(&call, 3);
    it.y = output(&call, 0, it.rows, it.width);
    sum_parts(&call, &it, kernels()->rms_norm_gradient, output(&call, 1, it.width, 0));
  }
  end(&call);
}

static void compute_swiglu(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 1);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 0, 0), .width = (int)dim(&call, 0, 1) / 2, .x = input(&call, 0)};
    it.y = output(&call, 0, it.rows, it.width);
    if (it.y) share(blocks_of(it.rows), kernels()->swiglu, &it);
  }
  end(&call);
}

static void compute_swiglu_gradient(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 2);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 1, 0), .width = (int)dim(&call, 1, 1) / 2};
    it.dy = input(&call, 0);
    it.x = input(&call, 1);
    it.y = output(&call, 0, it.rows, 2 * (int64_t)it.width);
    if (it.y) share(blocks_of(it.rows), kernels()->swiglu_gradient, &it);
  }
  end(&call);
}

static void compute_add_row(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 2);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 0, 0), .width = (int)dim(&call, 0, 1)};
    it.x = input(&call, 0);
    it.weight = input(&call, 1);
    it.y = output(&call, 0, it.rows, it.width);
    if (it.y) share(blocks_of(it.rows), kernels()->add_row, &it);
  }
  end(&call);
}

static void compute_column_sums(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 1);
  if (!failed(&call)) {
    Rows it = {.rows = (int)dim(&call, 0, 0), .width = (int)dim(&call, 0, 1), .x = input(&call, 0)};
    sum_parts(&call, &it, kernels()->column_sums, output(&call, 0, it.width, 0));
  }
  end(&call);
}

/* The call's logits, targets and settings, which are 1 / temperature and whether entropies are wanted. */
static LogProbs log_probs_of(const Call *call, int logits) {
  const float *settings = input(call, call->count - 1);
  return (LogProbs){.rows = (int)dim(call, logits, 0),
                    .vocabulary = (int)dim(call, logits, 1),
                    .logits = input(call, logits),
                    .targets = tensorflow.data(call->inputs[logits + 1]),
                    .inverse_temperature = settings[0],
                    .columns = settings[1] != 0 ? 2 : 1};
}

static void compute_log_probs(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 3);
  if (!failed(&call)) {
    LogProbs it = log_probs_of(&call, 0);
    it.value = output(&call, 0, it.rows, it.columns);
    it.stats = output(&call, 1, it.rows, 2);
    if (!failed(&call)) share(it.rows, kernels()->log_probs, &it);
  }
  end(&call);
}

static void compute_log_probs_gradient(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 5);
  if (!failed(&call)) {
    LogProbs it = log_probs_of(&call, 1);
    it.dy = input(&call, 0);
    it.stats = (float *)input(&call, 3);
    it.dz = output(&call, 0, it.rows, it.vocabulary);
    if (it.dz) share(it.rows, kernels()->log_probs_gradient, &it);
  }
  end(&call);
}

static void compute_adamw(void *kernel, void *context) {
  (void)kernel;
  const int count = least(tensorflow.count_inputs(context) / 4, MOST_TENSORS);
  Call call = begin(context, 4 * count + 1);
  AdamWList list;
  int parts = 0;
  for (int i = 0; i < count && !failed(&call); i++) {
    int64_t dims[MOST_DIMS];
    int rank;
    AdamW *it = &list.each[i];
    it->size = shape_of(&call, i, dims, &rank);
    it->p = input(&call, i);
    it->g = input(&call, count + i);
    it->m = input(&call, 2 * count + i);
    it->v = input(&call, 3 * count + i);
    it->constants = ((const AdamWConstants *)input(&call, 4 * count))[i];
    it->new_p = output_of(&call, i, dims, rank);
    it->new_m = output_of(&call, count + i, dims, rank);
    it->new_v = output_of(&call, 2 * count + i, dims, rank);
    parts += parts_of(it->size);
  }
  if (!failed(&call)) share(parts, kernels()->adamw, &list);
  end(&call);
}

static void compute_sum_of_squares(void *kernel, void *context) {
  (void)kernel;
  const int count = least(tensorflow.count_inputs(context), MOST_TENSORS);
  Call call = begin(context, count);
  if (!failed(&call)) {
    SquaresList list;
    int parts = 0;
    for (int i = 0; i < count; i++) {
      int64_t dims[MOST_DIMS];
      int rank;
      list.each[i] = (Squares){.size = shape_of(&call, i, dims, &rank), .x = input(&call, i)};
      parts += parts_of(list.each[i].size);
    }
    float *sums = output(&call, 0, count, 0);
    double *next = list.partial = malloc((size_t)(parts + 1) * sizeof(double));
    if (!list.partial) out_of_memory(&call);
    if (!failed(&call)) {
      share(parts, kernels()->sum_of_squares, &list);
      for (int i = 0; i < count; i++) {
        double total = 0;
        for (int part = 0; part < parts_of(list.each[i].size); part++) total += *next++;
        sums[i] = (float)total;
      }
    }
    free(list.partial);
  }
  end(&call);
}

#define COPY_PART 65536

typedef struct {
  const float *from[MOST_INPUTS];
  /* Rows below each other: matrix i begins at at[i]; the last number is that of all. */
  size_t at[MOST_INPUTS + 1];
  float *to;
} Copies;

/* COPY_PART numbers of the result. */
static void copy_part(void *context, int index, int thread) {
  (void)thread;
  const Copies *it = context;
  size_t first = (size_t)index * COPY_PART;
  const size_t end = first + COPY_PART;
  for (int i = 0; first < end && it->from[i]; i++) {
    if (first >= it->at[i + 1]) continue;
    const size_t last = end < it->at[i + 1] ? end : it->at[i + 1];
    memcpy(it->to + first, it->from[i] + (first - it->at[i]), (last - first) * sizeof(float));
    first = last;
  }
}

static void compute_join(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, least(tensorflow.count_inputs(context), MOST_INPUTS - 1));
  if (!failed(&call)) {
    Copies it = {.to = NULL};
    const int64_t width = dim(&call, 0, 1);
    for (int i = 0; i < call.count; i++) {
      it.from[i] = input(&call, i);
      it.at[i + 1] = it.at[i] + (size_t)(dim(&call, i, 0) * width);
    }
    const size_t size = it.at[call.count];
    it.to = output(&call, 0, (int64_t)size / width, width);
    if (it.to) share((int)((size + COPY_PART - 1) / COPY_PART), copy_part, &it);
  }
  end(&call);
}

/* Reads the adapters behind input `columns`, and how much memory packs them; the inputs' and outputs' widths are known. */
static size_t read_adapters(Call *call, int columns, LowRank *it) {
  const int32_t *column = failed(call) ? NULL : tensorflow.data(call->inputs[columns]);
  if (!column) return 0;
  it->adapters = (int)dim(call, columns, 0);
  const int first = columns + 2;
  read_inputs(call, first + 2 * it->adapters);
  if (failed(call)) return 0;
  size_t floats = 0;
  for (int i = 0; i < it->adapters; i++) {
    Adapter *adapter = &it->adapter[i];
    const int a = first + 2 * i, b = a + 1;
    *adapter = (Adapter){.a = input(call, a), .b = input(call, b), .rank = (int)dim(call, a, 0), .column = column[i]};
    adapter->width = (int)dim(call, b, 0);
    adapter->padded = (adapter->rank + RANK_UNIT - 1) / RANK_UNIT * RANK_UNIT;
    adapter->unit = it->units;
    it->units += adapter->padded;
    floats += (size_t)adapter->padded * (it->inputs + 2 * (size_t)adapter->width);
  }
  return floats;
}

static void compute_low_rank(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 4);
  LowRank it = {0};
  if (!failed(&call)) {
    it.rows = (int)dim(&call, 0, 0);
    it.outputs = (int)dim(&call, 0, 1);
    it.inputs = (int)dim(&call, 1, 1);
  }
  const size_t floats = read_adapters(&call, 2, &it);
  if (!failed(&call)) {
    it.base = input(&call, 0);
    it.x = input(&call, 1);
    const float *scales = input(&call, 3);
    it.y = output(&call, 0, it.rows, it.outputs);
    it.u = output(&call, 1, it.rows, it.units);
    float *memory = calloc(floats + 1, sizeof(float)), *next = memory;
    if (!memory) out_of_memory(&call);
    if (!failed(&call)) {
      for (int i = 0; i < it.adapters; i++) {
        Adapter *adapter = &it.adapter[i];
        adapter->a_across = next;
        adapter->b_packed = next += (size_t)adapter->padded * it.inputs;
        next += (size_t)adapter->padded * adapter->width;
        for (int r = 0; r < adapter->rank; r++) {
          for (int k = 0; k < it.inputs; k++)
            adapter->a_across[(size_t)k * adapter->padded + r] = scales[i] * adapter->a[(size_t)r * it.inputs + k];
          for (int o = 0; o < adapter->width; o++)
            adapter->b_packed[(size_t)r * adapter->width + o] = adapter->b[(size_t)o * adapter->rank + r];
        }
      }
      share(blocks_of(it.rows), kernels()->low_rank, &it);
    }
    free(memory);
  }
  end(&call);
}

static void compute_low_rank_gradient(void *kernel, void *context) {
  (void)kernel;
  Call call = begin(context, 6);
  LowRank it = {0};
  if (!failed(&call)) {
    it.rows = (int)dim(&call, 0, 0);
    it.outputs = (int)dim(&call, 0, 1);
    it.inputs = (int)dim(&call, 2, 1);
  }
  const size_t floats = read_adapters(&call, 4, &it);
  if (!failed(&call)) {
    it.dy = input(&call, 0);
    it.base = input(&call, 1);
    it.x = input(&call, 2);
    it.u = (float *)input(&call, 3);
    const float *scales = input(&call, 5);
    it.y = output(&call, 0, it.rows, it.inputs);
    const size_t steps = (size_t)it.rows * it.units;
    float *memory = calloc(floats + steps + 1, sizeof(float)), *next = memory + steps;
    it.du = memory;
    if (!memory) out_of_memory(&call);
    int tasks = 0;
    for (int i = 0; i < it.adapters; i++) {
      Adapter *adapter = &it.adapter[i];
      adapter->da = output(&call, 1 + 2 * i, adapter->rank, it.inputs);
      adapter->db = output(&call, 2 + 2 * i, adapter->width, adapter->rank);
      if (failed(&call)) break;
      adapter->b_packed = next;
      adapter->db_padded = next += (size_t)adapter->padded * adapter->width;
      next += (size_t)adapter->padded * adapter->width;
      for (int o = 0; o < adapter->width; o++)
        for (int r = 0; r < adapter->rank; r++)
          adapter->b_packed[(size_t)o * adapter->padded + r] = scales[i] * adapter->b[(size_t)o * adapter->rank + r];
      tasks += tiles_of(it.inputs) + tiles_of(adapter->width);
    }
    if (!failed(&call)) {
      share(blocks_of(it.rows), kernels()->low_rank_back, &it);
      share(tasks, kernels()->low_rank_gradient, &it);
    }
    free(memory);
  }
  end(&call);
}

typedef struct {
  const char *name;
  void (*compute)(void *, void *);
  const char *inputs[8], *outputs[4];
  /* N, the number of tensors in each list, where inputs have any. */
  const char *attribute;
} Op;

static const Op ops[] = {
    {"VTriuneAttention",
     compute_attention,
     {"qkv: float", "cos: float", "sin: float", "plan: int32"},
     {"out: float", "turned: float", "lse: float"}},
    {"VTriuneAttentionGradient",
     compute_attention_gradient,
     {"dy: float", "turned: float", "out: float", "lse: float", "cos: float", "sin: float", "plan: int32"},
     {"dqkv: float"}},
    {"VTriuneRmsNorm", compute_rms_norm, {"x: float", "weight: float", "epsilon: float"}, {"y: float", "inverse: float"}},
    {"VTriuneRmsNormGradient",
     compute_rms_norm_gradient,
     {"dy: float", "x: float", "weight: float", "inverse: float"},
     {"dx: float", "dweight: float"}},
    {"VTriuneSwiglu", compute_swiglu, {"x: float"}, {"y: float"}},
    {"VTriuneSwigluGradient", compute_swiglu_gradient, {"dy: float", "x: float"}, {"dx: float"}},
    {"VTriuneAddRow", compute_add_row, {"x: float", "row: float"}, {"y: float"}},
    {"VTriuneColumnSums", compute_column_sums, {"x: float"}, {"sums: float"}},
    {"VTriuneLogProbs",
     compute_log_probs,
     {"logits: float", "targets: int32", "settings: float"},
     {"value: float", "stats: float"}},
    {"VTriuneLogProbsGradient",
     compute_log_probs_gradient,
     {"dy: float", "logits: float", "targets: int32", "stats: float", "settings: float"},
     {"dlogits: float"}},
    {"VTriuneAdamW",
     compute_adamw,
     {"p: N * float", "g: N * float", "m: N * float", "v: N * float", "constants: float"},
     {"new_p: N * float", "new_m: N * float", "new_v: N * float"},
     "N: int >= 1"},
    {"VTriuneSumOfSquares", compute_sum_of_squares, {"tensors: N * float"}, {"sums: float"}, "N: int >= 1"},
    {"VTriuneJoin", compute_join, {"matrices: N * float"}, {"joined: float"}, "N: int >= 1"},
    {"VTriuneLowRank",
     compute_low_rank,
     {"base: float", "x: float", "columns: int32", "scales: float", "adapters: N * float"},
     {"y: float", "u: float"},
     "N: int >= 1"},
    {"VTriuneLowRankGradient",
     compute_low_rank_gradient,
     {"dy: float", "base: float", "x: float", "u: float", "columns: int32", "scales: float", "adapters: N * float"},
     {"dx: float", "gradients: N * float"},
     "N: int >= 1"},
};

static const char *register_ops(void) {
  void *status = tensorflow.new_status();
  int wrong = 0;
  for (size_t i = 0; i < sizeof ops / sizeof *ops && !wrong; i++) {
    const Op *op = &ops[i];
    void *definition = tensorflow.new_definition(op->name);
    if (op->attribute) tensorflow.add_attribute(definition, op->attribute);
    for (const char *const *text = op->inputs; *text; text++) tensorflow.add_input(definition, *text);
    for (const char *const *text = op->outputs; *text; text++) tensorflow.add_output(definition, *text);
    tensorflow.register_op(definition, status);
    wrong = tensorflow.code(status);
    if (wrong) break;
    tensorflow.register_kernel(op->name, tensorflow.new_kernel(op->name, "CPU", NULL, op->compute, NULL), status);
    wrong = tensorflow.code(status);
  }
  tensorflow.delete_status(status);
  return wrong ? "TensorFlow does not take ops of ours" : NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char tensorflow_library[4096];
static int threads_wanted;
static const char *failure;

static void connect_once(void) {
  failure = find_functions(tensorflow_library);
  if (failure) return;
  pool = open_pool(threads_wanted);
  failure = register_ops();
}

/*
 * connect(library: string, threads: number): undefined once the ops work in this process, or what is missing. The first
 * call decides the number of threads.
 */
static napi_value connect(napi_env env, napi_callback_info info) {
  size_t count = 2, length = 0;
  napi_value arguments[2], result = NULL;
  char library[sizeof tensorflow_library];
  int32_t threads = 1;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_utf8(env, arguments[0], library, sizeof library, &length) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &threads) != napi_ok) {
    napi_throw_type_error(env, NULL, "connect: a path and a number of threads are expected");
    return NULL;
  }
  /* A process holds one TensorFlow; threads of Node's get here one after another. */
  if (tensorflow_library[0] == 0) {
    memcpy(tensorflow_library, library, length + 1);
    threads_wanted = threads < 1 ? 1 : threads;
  }
  pthread_once(&once, connect_once);
  if (failure) napi_create_string_utf8(env, failure, NAPI_AUTO_LENGTH, &result);
  return result;
}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      {"connect", NULL, connect, NULL, NULL, NULL, napi_enumerable, NULL},
      {"holdSignals", NULL, hold_signals, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof properties / sizeof *properties, properties);
  export_instructions(env, exports);
  return exports;
}
