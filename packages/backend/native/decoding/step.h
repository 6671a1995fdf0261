/* The state of one step, and the buffers that its phases work in. */
#ifndef V_TRIUNE_STEP_H
#define V_TRIUNE_STEP_H
#include <stdint.h>
#include "model.h"
#include "../shared/thread-pool.h"

/*
 * Outputs of a task. A tile reads four streams of weights a quarter of a task apart: the nearer, the oftener all of them
 * cross a page at once.
 */
#define CHUNK 64
/* Inputs that are summed up at a time: four rows of weights fit beside x into the first cache. */
#define BLOCK 1024
/*
 * Bytes by which streams of weights are asked for ahead of the products, into the first cache. Measured on Emerald Rapids
 * with AVX-512: 512 and 2,048 are up to 3 % slower, the second cache 5 %.
 */
#define AHEAD 1024
/* Rows up to which weights are read along, block after block. */
#define FEW_ROWS 8

/* Rows of weights that are widened at a time. */
#define WIDENED 8

/* Buffers of a thread. */
typedef struct {
  float *sums;    /* [2, rows, CHUNK] */
  float *widened; /* [WIDENED, BLOCK] */
  float *scores;  /* [longest] */
} Scratch;

typedef struct {
  const Model *model;
  Pool *pool;
  const Row *rows;
  int count;
  const float *cos, *sin; /* [count, head size / 2] */
  float *x, *normal;      /* [count, hidden] */
  float *qkv;             /* [count, (heads + 2 key heads) · head size] */
  float *attended;        /* [count, heads · head size] */
  float *inner;           /* [count, intermediate] */
  float *low;             /* [count, ranks of the adapters over one input] */
  float *logits;          /* [count, vocabulary] */
  Scratch *scratch;       /* by thread */
} Step;

/* What becomes of a layer's outputs: stored, added to what is there, or gate and up put together (SwiGLU). */
enum { PLAIN, ADDED, GATED };

/* What the tasks of one phase share. */
typedef struct {
  Step *step;
  int kind;
  const float *x, *low;
  int low_stride;
  float *out;
  int stride;
  const Linear *linear[3];
  int offset[3], chunks[3];
  const Layer *layer;
  int number;
} Phase;

#endif
