/**
 * The order in which a run draws its samples: a uniform mix, each epoch a new seeded shuffle of every entry exactly
 * once. A weight of 2 makes an entry of each sample twice, 1.5 once and half of them (a seeded choice) again, 0.25 a
 * quarter. The order is a function of (seed, position): a resumed run needs only its position.
 */
import { createRandom } from "@v-triune/rollouts";

/** Rows of one set within the numbering of all sets. */
export interface OrderedSet {
  /** Index of its first row. */
  readonly first: number;
  readonly length: number;
  readonly weight: number;
  readonly cap: number | null;
}

export interface SampleOrder {
  /** Entries of an epoch. */
  readonly epochLength: number;
  /** The rows of an epoch, each as often as it is drawn, in the order of the sets. */
  readonly entries: readonly number[];
  /** The row at a position of the endless order. */
  at(position: number): number;
}

/** Streams of the run's seed that belong to the order; others are named where they are used. */
const capStream = 1_000;
const epochStream = 2_000_000;

/** @throws RangeError when the sets hold no entry */
export function createSampleOrder(sets: readonly OrderedSet[], seed: number): SampleOrder {
  const entries = sets.flatMap((set, number) => entriesOf(set, seed, capStream + number));
  if (entries.length === 0) throw new RangeError("the data sets hold no sample that may be drawn");
  let epoch = -1;
  let order: number[] = [];
  return {
    epochLength: entries.length,
    entries,
    at(position) {
      const wanted = Math.floor(position / entries.length);
      if (wanted !== epoch) {
        epoch = wanted;
        order = createRandom(seed, epochStream + epoch).shuffle(entries);
      }
      return order[position % entries.length] as number;
    },
  };
}

function entriesOf({ first, length, weight, cap }: OrderedSet, seed: number, stream: number): number[] {
  const all = Array.from({ length }, (_, row) => first + row);
  const random = createRandom(seed, stream);
  const used = cap === null || cap >= length ? all : random.sample(all, cap).sort((a, b) => a - b);
  const whole = Math.floor(weight);
  const entries = Array.from({ length: whole }, () => used).flat();
  const part = Math.round((weight - whole) * used.length);
  return part > 0 ? [...entries, ...random.sample(used, part)] : entries;
}
