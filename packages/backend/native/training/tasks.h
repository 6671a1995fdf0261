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

/* Buffers of a backward task: of TILE queries, of TILE keys, and of both, [TILE, TILE]. */
typedef struct {
  float *queries, *dy, *dqueries;
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

#endif
