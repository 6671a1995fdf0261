/*
 * A language model as decoding reads it: where its weights lie, and the rows of one step. Weights are TensorFlow's own
 * tensors; whoever describes the model keeps them alive.
 */
#ifndef V_TRIUNE_MODEL_H
#define V_TRIUNE_MODEL_H
#include <stdint.h>

/* A linear layer y = x Wᵀ + bias + scale · (x Aᵀ) Bᵀ. */
typedef struct {
  const void *weight; /* [outputs, inputs], float32 or bfloat16 */
  int is_half;        /* whether it is bfloat16 */
  int outputs, inputs;
  const float *bias;    /* [outputs] or NULL */
  int rank;             /* of its adapter; 0: none */
  const float *a, *b;   /* [rank, inputs], [outputs, rank] */
  float scale;
} Linear;

enum { QUERY, KEY, VALUE, OUTPUT, GATE, UP, DOWN, LINEARS };

typedef struct {
  const float *first_norm, *second_norm; /* [hidden] */
  const float *query_norm, *key_norm;    /* [head size], both or neither */
  Linear linear[LINEARS];
} Layer;

typedef struct {
  int hidden, intermediate, heads, key_heads, head_size, vocabulary, layers;
  float epsilon;
  const void *embedding; /* [vocabulary, hidden] */
  int is_half_embedding;
  const float *final_norm;
  Linear head;
  Layer *layer;
} Model;

/* A row of a step. Caches hold [layers][capacity][2 key heads · head size], keys rotated; a prompt's capacity is its length. */
typedef struct {
  int token;
  const float *prompt;
  int prompt_length;
  float *own;
  int own_length, own_capacity;
} Row;

#endif
