/**
 * Which token attends to which, for many sequences packed one after another.
 *
 * A segment is a run of rows that see all rows of an optional prefix and, among themselves, either the past (causal) or
 * everything. That covers what is needed: a plain sequence is one causal segment; n rollouts of a prompt are the
 * prompt's segment and n segments with it as their prefix, which is exact, because a prompt never sees what follows; a
 * window or a frame of the vision tower is one segment that is not causal.
 */

/** A run of rows that see the same. */
export interface AttentionSegment {
  readonly start: number;
  readonly count: number;
  /** Rows [prefixStart, prefixStart + prefixCount) are seen by every row of the segment. */
  readonly prefixStart: number;
  readonly prefixCount: number;
  readonly causal: boolean;
}

/** Segments that cover all rows once, in order. */
export interface AttentionPlan {
  readonly rows: number;
  readonly segments: readonly AttentionSegment[];
}

/** Sizes of the heads inside a packed row of q, k and v. */
export interface AttentionHeads {
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads, a divisor of `heads`; equal to it without grouped queries. */
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** @throws RangeError when the segments do not cover the rows in order, or a prefix lies outside of them */
export function attentionPlan(segments: readonly AttentionSegment[]): AttentionPlan {
  let rows = 0;
  for (const { start, count, prefixStart, prefixCount } of segments) {
    if (start !== rows || count < 1)
      throw new RangeError(
        `attentionPlan: a segment starts at ${start} with ${count} rows, expected a start of ${rows} and at least ` +
          "one row",
      );
    if (prefixCount < 0 || prefixStart < 0 || prefixStart + prefixCount > start) {
      throw new RangeError(
        `attentionPlan: the segment at ${start} has the prefix ${prefixStart}..${prefixStart + prefixCount}, ` +
          `expected rows before ${start}`,
      );
    }
    rows += count;
  }
  return { rows, segments };
}

/**
 * Rows of queries, the rows they may see, and which of these each sees: 0 or -1e9, [queries, keys]; all without a mask.
 */
interface AttentionUnit {
  readonly queries: Int32Array;
  readonly keys: Int32Array;
  readonly mask?: Float32Array;
}

/** Units of similar size padded to one shape, for batched products. */
export interface AttentionBucket {
  readonly units: number;
  readonly queryCount: number;
  readonly keyCount: number;
  /** [units · queryCount], -1 where padded. */
  readonly queryRows: Int32Array;
  /** [units · keyCount], -1 where padded. */
  readonly keyRows: Int32Array;
  /** 0 or -1e9, [units, queryCount, keyCount]; undefined when nothing is hidden. */
  readonly mask: Float32Array | undefined;
}

const HIDDEN = -1e9;
/** A prompt with its completions is one dense unit up to this many rows; longer ones fall apart into segments. */
const DENSE_ROWS = 384;
/** Queries of a unit of a long segment. */
const QUERY_BLOCK = 512;
/** Mask entries of a bucket. */
const BUCKET_AREA = 1 << 22;

const bucketsOf = new WeakMap<AttentionPlan, readonly AttentionBucket[]>();

/** The plan as batches of dense blocks; computed once per plan. */
export function attentionBuckets(plan: AttentionPlan): readonly AttentionBucket[] {
  let buckets = bucketsOf.get(plan);
  if (!buckets) bucketsOf.set(plan, (buckets = bucketUnits(units(plan.segments))));
  return buckets;
}

function units(segments: readonly AttentionSegment[]): AttentionUnit[] {
  const out: AttentionUnit[] = [];
  for (let i = 0; i < segments.length;) {
    const root = segments[i]!;
    let end = i + 1;
    while (end < segments.length && segments[end]!.prefixCount > 0 && segments[end]!.prefixStart === root.start) end++;
    const last = segments[end - 1]!;
    const rows = last.start + last.count - root.start;
    if (rows <= DENSE_ROWS && root.prefixCount === 0 && (root.causal || end > i + 1))
      out.push(denseUnit(segments.slice(i, end), root.start, rows));
    else for (const segment of segments.slice(i, end)) out.push(...segmentUnits(segment));
    i = end;
  }
  return out;
}

/** All rows of a prompt and its completions against each other. */
function denseUnit(segments: readonly AttentionSegment[], first: number, rows: number): AttentionUnit {
  const all = Int32Array.from({ length: rows }, (_, i) => first + i);
  const mask = new Float32Array(rows * rows).fill(HIDDEN);
  for (const segment of segments) {
    const start = segment.start - first;
    for (let i = 0; i < segment.count; i++) {
      const row = (start + i) * rows;
      const prefix = segment.prefixStart - first;
      if (segment.prefixCount > 0) mask.fill(0, row + prefix, row + prefix + segment.prefixCount);
      mask.fill(0, row + start, row + start + (segment.causal ? i + 1 : segment.count));
    }
  }
  return { queries: all, keys: all, mask };
}

/** A long segment in blocks of queries, each with the keys it can see. */
function segmentUnits(segment: AttentionSegment): AttentionUnit[] {
  const { start, count, prefixStart, prefixCount, causal } = segment;
  const out: AttentionUnit[] = [];
  for (let from = 0; from < count; from += QUERY_BLOCK) {
    const to = Math.min(count, from + QUERY_BLOCK);
    const own = causal ? to : count;
    const keys = Int32Array.from({ length: prefixCount + own }, (_, i) =>
      i < prefixCount ? prefixStart + i : start + i - prefixCount,
    );
    const queries = Int32Array.from({ length: to - from }, (_, i) => start + from + i);
    if (causal) {
      const mask = new Float32Array(queries.length * keys.length);
      for (let i = from; i < to; i++)
        mask.fill(HIDDEN, (i - from) * keys.length + prefixCount + i + 1, (i - from + 1) * keys.length);
      out.push({ queries, keys, mask });
    } else out.push({ queries, keys });
  }
  return out;
}

function bucketUnits(all: readonly AttentionUnit[]): AttentionBucket[] {
  const sorted = [...all].sort((a, b) => a.keys.length - b.keys.length || a.queries.length - b.queries.length);
  const buckets: AttentionBucket[] = [];
  for (let i = 0; i < sorted.length;) {
    let end = i;
    let queryCount = 0;
    let keyCount = 0;
    let area = 0;
    for (; end < sorted.length; end++) {
      const unit = sorted[end]!;
      const queries = Math.max(queryCount, unit.queries.length);
      const keys = Math.max(keyCount, unit.keys.length);
      const real = area + unit.queries.length * unit.keys.length;
      const padded = (end - i + 1) * queries * keys;
      if (end > i && (padded > 1.3 * real || padded > BUCKET_AREA)) break;
      [queryCount, keyCount, area] = [queries, keys, real];
    }
    buckets.push(padUnits(sorted.slice(i, end), queryCount, keyCount));
    i = end;
  }
  return buckets;
}

function padUnits(members: readonly AttentionUnit[], queryCount: number, keyCount: number): AttentionBucket {
  const queryRows = new Int32Array(members.length * queryCount).fill(-1);
  const keyRows = new Int32Array(members.length * keyCount).fill(-1);
  const hides = members.some((unit) => unit.mask !== undefined || unit.keys.length < keyCount);
  const mask = hides ? new Float32Array(members.length * queryCount * keyCount) : undefined;
  members.forEach((unit, u) => {
    queryRows.set(unit.queries, u * queryCount);
    keyRows.set(unit.keys, u * keyCount);
    const width = unit.keys.length;
    if (!mask) return;
    for (let q = 0; q < queryCount; q++) {
      const row = (u * queryCount + q) * keyCount;
      if (unit.mask && q < unit.queries.length) mask.set(unit.mask.subarray(q * width, (q + 1) * width), row);
      mask.fill(HIDDEN, row + width, row + keyCount);
    }
  });
  return { units: members.length, queryCount, keyCount, queryRows, keyRows, mask };
}
