/* What the tasks that draw tokens share. */
#ifndef V_TRIUNE_DRAWS_H
#define V_TRIUNE_DRAWS_H

/* Tokens that are summed up at a time: a multiple of any vector. */
#define DRAW_BLOCK 1024
/* Numbers of a result: the token, the largest logit, and the total of the weights. */
#define DRAW_NUMBERS 3

typedef struct {
  int vocabulary, blocks;
  double scale;
  const float *logits;    /* [rows, vocabulary] */
  const double *uniforms; /* [rows], in [0, 1); below 0: the token with the largest logit */
  double *sums;           /* [rows, blocks] */
  double *out;            /* [rows, DRAW_NUMBERS] */
} Draws;

#endif
