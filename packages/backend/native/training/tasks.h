/* What the tasks of an op share. */
#ifndef V_TRIUNE_TASKS_H
#define V_TRIUNE_TASKS_H
#include <stdatomic.h>
#include "plan.h"

typedef struct {
  const Plan *plan;
  const float *qkv, *cos, *sin, *dy;
  float *turned, *out, *lse, *gradient;
  /* Gradients of keys and values by query head, [heads, rows, head_size] each. */
  float *key_gradients, *value_gradients;
  _Atomic int failed;
} Attention;

/* Buffers of a backward task: of all rows of its tree, of TILE keys, and of TILE queries by TILE keys. */
typedef struct {
  float *queries, *dy, *dqueries;
  /* Σ dP · P of each query. */
  float *delta;
  float *keys, *keys_across, *values, *values_across, *dkeys, *dvalues;
  float *p, *dp;
} Tiles;

typedef struct {
  int rows, width;
  float epsilon;
  const float *x, *weight, *dy;
  float *inverse, *y;
  /* Gradients of the weight by task, which are added up in order. */
  float *partial;
} Rows;

typedef struct {
  int rows, vocabulary, columns;
  float inverse_temperature;
  const float *logits, *dy;
  const int32_t *targets;
  float *value, *stats, *dz;
} LogProbs;

/* Numbers of a task where a tensor's shape does not matter. */
#ifndef FLAT_PART
#define FLAT_PART 16384
#endif

static inline int parts_of(size_t size) { return (int)((size + FLAT_PART - 1) / FLAT_PART); }

/* Tensors that an op takes at once where it takes a list of any shapes: a call of its own would cost a small one more. */
#define MOST_TENSORS 32

/* A row of the op's input `constants`. */
typedef struct {
  float beta1, beta2, gradient, gradient_squared, epsilon, kept, step;
} AdamWConstants;

typedef struct {
  size_t size;
  const float *p, *g, *m, *v;
  float *new_p, *new_m, *new_v;
  AdamWConstants constants;
} AdamW;

typedef struct {
  AdamW each[MOST_TENSORS];
} AdamWList;

/* Adapters of layers that stand side by side: q, k, v and more than any model has. */
#define MOST_ADAPTERS 4
/* Ranks are padded with zeros to whole vectors of any instruction set. */
#define RANK_UNIT 16

typedef struct {
  /* [rank, inputs] and [width, rank]. */
  const float *a, *b;
  /* Of its layer: columns [column, column + width). Of its u: columns [unit, unit + padded). */
  int rank, padded, width, column, unit;
  /* scale · aᵀ, [inputs, padded]. */
  float *a_across;
  /* Forward bᵀ, [rank, width]; backward scale · b, [width, padded]. */
  float *b_packed;
  float *da, *db, *db_padded;
} Adapter;

typedef struct {
  int rows, inputs, outputs, units, adapters;
  Adapter adapter[MOST_ADAPTERS];
  const float *base, *x, *dy;
  /* y forward and dx backward. */
  float *y;
  float *u, *du;
} LowRank;

static inline int tiles_of(int size) { return (size + TILE - 1) / TILE; }

typedef struct {
  size_t size;
  const float *x;
} Squares;

typedef struct {
  Squares each[MOST_TENSORS];
  /* Sums by task, which are added up in order. */
  double *partial;
} SquaresList;

#endif
