/*
 * Tiles of products for 32 vector registers of sixteen numbers (AVX-512): the sums of decode-step.h, in its order and
 * with its bits, of which up to 24 stay in registers. Each weight is then widened once for all of up to FEW_ROWS rows,
 * and each number of many rows is read once for eight outputs.
 */

/* Held in a register: GCC 12 reads a number again from memory for each product otherwise. */
#define HELD(x) __asm__("" : "+v"(x))

/*
 * Rows up to which memory is waited for: weights are then asked for one by one between the products, and all at once
 * before them where there are more rows, whose inner loop has no time to lose.
 */
#define WAITING_ROWS 16

/*
 * `rows` rows of weights of `size` bytes that are needed soon, `stride` bytes apart: next in the first cache where
 * `at_once`, later in the second.
 */
typedef struct {
  const char *weight;
  size_t stride;
  int rows, size, at_once;
} NAME(Soon);

/*
 * `outputs` rows of weights times `rows` rows of x (at most 24 sums), over one block of inputs, to every `apart`th number
 * of `sums`; asks for the weights of `soon` meanwhile, a cache line at a time: memory answers no faster.
 */
INLINE void NAME(wide_tile)(const int outputs, const int rows, const int is_half, const char *weight, size_t stride,
                            const NAME(Soon) soon, const float *x, size_t x_stride, int count, int apart, float *sums) {
  Floats sum[24], w[8];
#pragma GCC unroll 24
  for (int i = 0; i < 24; i++) sum[i] = NAME(splat)(0);
  int at = 0;
  for (; at + WIDTH <= count; at += WIDTH) {
#pragma GCC unroll 8
    for (int o = 0; o < outputs; o++) {
      w[o] = NAME(weights)(weight + o * stride, at, is_half);
      HELD(w[o]);
    }
    if (at * soon.size % 64 == 0)
      for (int o = 0; o < soon.rows; o++) {
        const char *line = soon.weight + o * soon.stride + at * soon.size;
        if (soon.at_once) __builtin_prefetch(line, 0, 3);
        else __builtin_prefetch(line, 0, 2);
      }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      Floats one = NAME(load)(x + r * x_stride + at);
      HELD(one);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; o++) sum[r * outputs + o] += w[o] * one;
    }
  }
  if (at < count) {
#pragma GCC unroll 8
    for (int o = 0; o < outputs; o++) w[o] = NAME(last_weights)(weight + o * stride, at, count, is_half);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      const Floats one = NAME(last_weights)(x + r * x_stride, at, count, 0);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; o++) sum[r * outputs + o] += w[o] * one;
    }
  }
  /* Four at a time: past the last sum lie zeros. */
  float out[24];
#pragma GCC unroll 6
  for (int i = 0; i < outputs * rows; i += 4) NAME(sum4)(sum[i], sum[i + 1], sum[i + 2], sum[i + 3], out + i);
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < outputs; o++) sums[r * CHUNK + o * apart] += out[r * outputs + o];
}

#define TILE_OF(outputs, rows)                                                                                         \
  case rows:                                                                                                           \
    if (is_half) NAME(wide_tile)(outputs, rows, 1, weight, stride, soon, x, x_stride, count, apart, sums);             \
    else NAME(wide_tile)(outputs, rows, 0, weight, stride, soon, x, x_stride, count, apart, sums);                     \
    break;

/* Outputs of a tile of up to FEW_ROWS rows. */
static int NAME(outputs_of)(int rows) { return rows > 4 ? 2 : 4; }

/* One tile of up to FEW_ROWS rows, of outputs that lie `apart` outputs and `stride` bytes from each other. */
static void NAME(few_rows_tile)(int rows, int is_half, const char *weight, size_t stride, const float *x,
                                size_t x_stride, int count, int apart, float *sums) {
  const int outputs = NAME(outputs_of)(rows);
  const NAME(Soon) soon = {weight + AHEAD, stride, outputs, is_half ? 2 : 4, 1};
  switch (rows) {
    TILE_OF(4, 1)
    TILE_OF(4, 2)
    TILE_OF(4, 3)
    TILE_OF(4, 4)
    TILE_OF(2, 5)
    TILE_OF(2, 6)
    TILE_OF(2, 7)
    TILE_OF(2, 8)
  }
}
#undef TILE_OF

/* WIDENED outputs of one to three rows, of weights in float32. */
INLINE void NAME(some_rows_tile)(int rows, const char *weight, size_t stride, const NAME(Soon) soon, const float *x,
                                 size_t x_stride, int count, float *sums) {
  if (rows == 3) NAME(wide_tile)(WIDENED, 3, 0, weight, stride, soon, x, x_stride, count, 1, sums);
  else if (rows == 2) NAME(wide_tile)(WIDENED, 2, 0, weight, stride, soon, x, x_stride, count, 1, sums);
  else NAME(wide_tile)(WIDENED, 1, 0, weight, stride, soon, x, x_stride, count, 1, sums);
}

/* The same of `rows` rows, three at a time; asks for `next` meanwhile. */
static void NAME(many_rows_tile)(const char *weight, size_t stride, const float *x, size_t x_stride, int rows, int count,
                                 const NAME(Soon) next, float *sums) {
  for (int row = 0; row < rows;) {
    const int left = rows - row, taken = left == 4 || left == 2 ? 2 : left >= 3 ? 3 : 1;
    const float *from = x + row * x_stride;
    float *to = sums + row * CHUNK;
    if (rows <= WAITING_ROWS) {
      const int first = next.rows * row / rows, last = next.rows * (row + taken) / rows;
      const NAME(Soon) soon = {next.weight + first * next.stride, next.stride, last - first, next.size, 0};
      NAME(some_rows_tile)(taken, weight, stride, soon, from, x_stride, count, to);
    } else {
      const NAME(Soon) none = {0};
      NAME(fetch_next)(WIDENED, next.weight, next.stride, count * next.size, row, row + taken, rows);
      NAME(some_rows_tile)(taken, weight, stride, none, from, x_stride, count, to);
    }
    row += taken;
  }
}

/* sums[row · CHUNK + output] += x[row] · weight[output] for `outputs` rows of weights. */
static void NAME(add_products)(const Linear *linear, const char *weight, int outputs, const float *x, int rows,
                               Scratch *scratch, float *sums) {
  const int inputs = linear->inputs, is_half = linear->is_half, size = is_half ? 2 : 4;
  const size_t stride = (size_t)inputs * size;
  const int many = rows > FEW_ROWS, width = many ? WIDENED : NAME(outputs_of)(rows);
  const int groups = outputs / width, blocks = (inputs + BLOCK - 1) / BLOCK;
  for (int i = 0; i < groups * blocks; i++) {
    if (!many) {
      /* The weights stream through once, as many streams as a tile has outputs, each from its own part of the chunk. */
      const int o = i / blocks, at = BLOCK * (i % blocks);
      const int count = inputs - at < BLOCK ? inputs - at : BLOCK;
      NAME(few_rows_tile)(rows, is_half, weight + o * stride + (size_t)at * size, groups * stride, x + at, inputs, count,
                          groups, sums + o);
      continue;
    }
    /* A block of x stays in the cache. */
    const int o = width * (i % groups), at = BLOCK * (i / groups);
    const int count = inputs - at < BLOCK ? inputs - at : BLOCK;
    const char *tile = weight + o * stride + (size_t)at * size;
    /* The next group of outputs, or the first one's next block, or the next chunk. */
    const int last_group = o == width * (groups - 1), last_block = at + BLOCK >= inputs;
    const char *next = !last_group ? tile + width * stride
                       : last_block ? weight + outputs * stride
                                    : weight + (size_t)(at + BLOCK) * size;
    if (is_half) NAME(widen_rows)(tile, stride, width, count, 0, scratch->widened);
    NAME(many_rows_tile)(is_half ? (const char *)scratch->widened : tile, is_half ? BLOCK * sizeof(float) : stride,
                         x + at, inputs, rows, count, (NAME(Soon)){next, stride, WIDENED, size, 0}, sums + o);
  }
  const int whole = groups * width;
  if (whole < outputs)
    NAME(add_tiles)(linear, weight + whole * stride, outputs - whole, x, rows, scratch, sums + whole);
}
#undef HELD
#undef WAITING_ROWS
