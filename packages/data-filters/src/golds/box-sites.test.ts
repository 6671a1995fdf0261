import { expect, it } from "vitest";
import type { Box } from "@v-triune/verifiers/detection";
import type { GoldBox } from "@v-triune/schema";
import { boxSites } from "./box-sites";

type Place = readonly [number, number, number, number];
const HERE: Place = [100, 100, 300, 300];
const THERE: Place = [600, 600, 800, 800];
const gold = (bbox_2d: Place, label = "Cat"): GoldBox => ({ bbox_2d, label });
const box = (bbox: Place, label = "cat"): Box => ({ bbox, label });
const moved = ([x1, y1, x2, y2]: Place, by: number): Place => [x1 + by, y1 + by, x2 + by, y2 + by];
const times = (k: number, of: (i: number) => readonly Box[]): (readonly Box[])[] =>
  Array.from({ length: k }, (_, i) => of(i));

it("finds a gold box that the answers put elsewhere, and corrects it to the middle of theirs", () => {
  const sites = boxSites(
    [gold(HERE)],
    times(5, (i) => [box(moved(THERE, i - 2))]),
  );
  expect(sites).toEqual({
    atGolds: [{ gold: 0, others: [5] }],
    elsewhere: [],
    agreed: [{ box: gold(THERE), count: 5 }],
    corrected: [gold(THERE)],
  });
});

it("leaves a gold box alone that answers find", () => {
  expect(
    boxSites(
      [gold(HERE)],
      times(4, (i) => [box(moved(HERE, 10 * i))]),
    ),
  ).toMatchObject({
    atGolds: [{ gold: 4, others: [] }],
    agreed: [],
    corrected: [gold(HERE)],
  });
});

it("finds a box that the gold lacks, also of a label that it has", () => {
  expect(
    boxSites(
      [gold(HERE)],
      times(4, () => [box(HERE), box(THERE)]),
    ),
  ).toEqual({
    atGolds: [{ gold: 4, others: [] }],
    elsewhere: [{ gold: 0, others: [4] }],
    agreed: [{ box: gold(THERE), count: 4 }],
    corrected: [gold(HERE), gold(THERE)],
  });
});

it("finds a gold box of another label at the place of the answers' box", () => {
  const { atGolds, corrected } = boxSites(
    [gold(HERE)],
    times(4, () => [box(HERE, "dog")]),
  );
  expect(atGolds).toEqual([{ gold: 0, others: [4] }]);
  expect(corrected).toEqual([gold(HERE, "dog")]);
});

it("does not suspect a gold box that answers only overlook", () => {
  const sites = boxSites(
    [gold(HERE), gold(THERE, "Dog")],
    times(4, () => [box(HERE)]),
  );
  expect(sites.atGolds).toEqual([
    { gold: 4, others: [] },
    { gold: 0, others: [] },
  ]);
  expect(sites.corrected).toEqual([gold(HERE), gold(THERE, "Dog")]);
});

it("takes boxes at different places for different answers", () => {
  const { atGolds, agreed } = boxSites(
    [gold(HERE)],
    times(4, (i) => [box([100 * i, 500, 100 * i + 90, 590])]),
  );
  expect(atGolds).toEqual([{ gold: 0, others: [1, 1, 1, 1] }]);
  expect(agreed).toEqual([]);
});

it("counts an answer once, however often it repeats a box", () => {
  const { atGolds } = boxSites([gold(HERE)], [[box(THERE), box(THERE), box(moved(THERE, 1))], [box(THERE)]]);
  expect(atGolds).toEqual([{ gold: 0, others: [2] }]);
});
