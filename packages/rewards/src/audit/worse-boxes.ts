/**
 * Searches for changes that make a box answer worse and its score higher. An answer that finds some of the gold boxes,
 * some of them badly, is scored before and after each move; a move that finds nothing more and still pays is an
 * exploit.
 */
import { boxIou, type Box, type Corners } from "@v-triune/verifiers/detection";
import type { Exploit } from "./audit-types";
import { requestOf, scoreOf, type Caller } from "./caller";
import { boxList } from "./equal-forms";
import type { AuditRow } from "./known-cases";
import type { Random } from "./random";

type Move = (answer: readonly Box[], golds: readonly Box[], random: Random) => readonly Box[] | undefined;

/** Overlap from which a box is on an object. */
const ON = 0.3;
const isOn = ({ bbox }: Box, gold: Box) => boxIou(bbox, gold.bbox) >= ON;

/** Moves by what they do; undefined where there is nothing to act on. */
const MOVES: Readonly<Record<string, Move>> = {
  "add a box far from everything": (answer, golds, random) => {
    const at = 3000 + random.below(1000);
    return [...answer, { bbox: [at, at, at + 50, at + 50], label: random.pick(golds).label }];
  },
  "add a gold box under a wrong label": (answer, golds, random) => [
    ...answer,
    { bbox: random.pick(golds).bbox, label: "no such thing" },
  ],
  "repeat a box a little off": (answer, golds, random) => {
    const box = random.pick(answer);
    const shift = 1 + random.below(8);
    const copy: Box = {
      ...box,
      bbox: box.bbox.map((value, axis) => value + (axis % 2 ? 0 : shift)) as never as Corners,
    };
    const isBetter = golds.some(
      (gold) => isOn(copy, gold) && boxIou(copy.bbox, gold.bbox) > boxIou(box.bbox, gold.bbox),
    );
    const isOnTwo = golds.filter((gold) => isOn(box, gold) || isOn(copy, gold)).length > 1;
    return isBetter || isOnTwo ? undefined : [...answer, copy];
  },
  "drop the only box on an object": (answer, golds, random) => {
    const box = onlyBox(answer, golds, random);
    return box === undefined ? undefined : answer.filter((other) => other !== box);
  },
  "give the only box on an object a wrong label": (answer, golds, random) => {
    const box = onlyBox(answer, golds, random);
    return box === undefined
      ? undefined
      : answer.map((other) => (other === box ? { ...box, label: "no such thing" } : other));
  },
};

/** A box that alone is on an object of its label, and on no other. */
function onlyBox(answer: readonly Box[], golds: readonly Box[], random: Random): Box | undefined {
  const only = answer.filter((box) => {
    const objects = golds.filter((gold) => isOn(box, gold));
    return (
      objects.length === 1 &&
      objects[0]!.label === box.label &&
      answer.filter((other) => isOn(other, objects[0]!)).length === 1
    );
  });
  return only.length === 0 ? undefined : random.pick(only);
}

/** What a search needs. */
export interface WorseBoxSearch {
  readonly caller: Caller;
  readonly rows: readonly AuditRow[];
  readonly wrap: (answer: string) => string;
  readonly random: Random;
  readonly calls: number;
}

/** Rounding aside: sums run in another order after a move. */
const LEAST_GAIN = 1e-9;

/** One exploit for each move that paid. */
export async function searchWorseBoxes({ caller, rows, wrap, random, calls }: WorseBoxSearch): Promise<Exploit[]> {
  const withBoxes = rows.filter(({ kind }) => kind.boxes.length > 0);
  if (withBoxes.length === 0) return [];
  const names = Object.keys(MOVES);
  const tallies = new Map<string, { tried: number; paid: number; gain: number; gold: string }>();
  for (let left = calls; left >= 2 * names.length; left -= 2 * names.length) {
    const row = random.pick(withBoxes);
    const golds = row.kind.boxes;
    const answer = partlyRight(golds, random);
    const moved = names.flatMap((name) => {
      const boxes = MOVES[name]!(answer, golds, random);
      return boxes === undefined ? [] : [{ name, boxes }];
    });
    const outcomes = await caller.judge(
      [answer, ...moved.map(({ boxes }) => boxes)].map((boxes) => requestOf(row.pair, wrap(boxList(boxes)))),
    );
    const [before, ...after] = outcomes.map(scoreOf);
    for (const [index, { name }] of moved.entries()) {
      const gain = (after[index] ?? 0) - (before ?? 0);
      const tally = tallies.get(name) ?? { tried: 0, paid: 0, gain: 0, gold: row.pair.gold };
      tally.tried++;
      if (gain > LEAST_GAIN) tally.paid++;
      if (gain > Math.max(tally.gain, LEAST_GAIN)) Object.assign(tally, { gain, gold: row.pair.gold });
      tallies.set(name, tally);
    }
  }
  return [...tallies]
    .filter(([, { paid }]) => paid > 0)
    .map(([name, { tried, paid, gain, gold }]) => ({
      how: "worse" as const,
      what: name,
      golds: [gold],
      share: paid / tried,
      gain,
    }))
    .sort((a, b) => b.gain - a.gain);
}

/** Each gold box is found well, found badly, or missed; at least one box is there. */
function partlyRight(golds: readonly Box[], random: Random): Box[] {
  const answer = golds.flatMap(({ bbox, label }): Box[] => {
    const luck = random.next();
    if (luck < 0.3) return [];
    const [width, height] = [bbox[2] - bbox[0], bbox[3] - bbox[1]];
    const spread = luck < 0.6 ? 0.04 : 0.4;
    const off = (size: number) => Math.round((random.next() - 0.5) * spread * size);
    const moved: Corners = [bbox[0] + off(width), bbox[1] + off(height), bbox[2] + off(width), bbox[3] + off(height)];
    return moved[0] < moved[2] && moved[1] < moved[3] ? [{ bbox: moved, label }] : [];
  });
  return answer.length > 0 ? answer : [golds[0]!];
}
