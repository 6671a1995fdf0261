/*
 * What attends to what, as packages/policy/src/kernels/attention-plan.ts describes it: int32 numbers, first heads, key heads
 * and headDim, then five per segment. Rows before the first segment are only seen: their result is 0, and so is their gradient.
 */
#ifndef V_TRIUNE_PLAN_H
#define V_TRIUNE_PLAN_H
#include <stdint.h>
#include <stdlib.h>

/* Queries and keys of a tile. */
#define TILE 64

typedef struct {
  int start, count, prefix_start, prefix_count, causal;
} Segment;

/* Queries [first, first + count) of a segment. */
typedef struct {
  const Segment *segment;
  int first, count;
} Block;

/* Segments [first, end) that see no rows but each other's. */
typedef struct {
  int first, end;
} Tree;

typedef struct {
  int heads, key_heads, head_size, rows;
  int segments, blocks, trees;
  const Segment *segment;
  Block *block;
  Tree *tree;
} Plan;

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most_of(int a, int b) { return a > b ? a : b; }

/* `rows`: of queries, keys and values. 0: out of memory. */
static int read_plan(Plan *plan, int rows, const int32_t *numbers, int64_t count) {
  plan->heads = numbers[0];
  plan->key_heads = numbers[1];
  plan->head_size = numbers[2];
  plan->segment = (const Segment *)(numbers + 3);
  plan->segments = (int)((count - 3) / 5);
  plan->blocks = plan->trees = 0;
  plan->rows = rows;
  int blocks = 0;
  for (int s = 0; s < plan->segments; s++) blocks += (plan->segment[s].count + TILE - 1) / TILE;
  plan->block = malloc((size_t)(blocks + 1) * sizeof(Block));
  plan->tree = malloc((size_t)(plan->segments + 1) * sizeof(Tree));
  if (!plan->block || !plan->tree) return 0;
  for (int s = 0; s < plan->segments; s++) {
    const Segment *segment = &plan->segment[s];
    for (int first = 0; first < segment->count; first += TILE)
      plan->block[plan->blocks++] = (Block){segment, first, least(TILE, segment->count - first)};
    int from = s;
    while (segment->prefix_count > 0 && plan->trees > 0 &&
           (from == s || plan->segment[from].start > segment->prefix_start))
      from = plan->tree[--plan->trees].first;
    plan->tree[plan->trees++] = (Tree){from, s + 1};
  }
  return 1;
}

static void free_plan(Plan *plan) {
  free(plan->block);
  free(plan->tree);
}

#endif
