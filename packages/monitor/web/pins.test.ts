import { expect, it } from "vitest";
import { isPinned, readPins, togglePin, writtenPins, type ChartSubject } from "./pins";

const subject = (title: string): ChartSubject => ({
  title,
  split: "train",
  scope: "source",
  names: ["a source, with a comma"],
  metrics: ["correct/ratio"],
});

it("keeps pins in a text and gives them back", () => {
  const pins = togglePin(togglePin([], subject("one")), subject("two"));
  expect(readPins(writtenPins(pins))).toEqual(pins);
  expect(isPinned(pins, subject("one"))).toBe(true);
  expect(togglePin(pins, subject("one"))).toEqual([subject("two")]);
});

it("leaves out what is not a pin", () => {
  for (const text of [
    null,
    "",
    "{",
    "3",
    "[3]",
    '[["a","train","source",[],["m"]]]',
    '[["a","train","no",["n"],["m"]]]',
  ])
    expect(readPins(text)).toEqual([]);
  expect(readPins('[["a","eval","all",["all"],["m"]],["b"]]')).toEqual([
    { title: "a", split: "eval", scope: "all", names: ["all"], metrics: ["m"] },
  ]);
});

it("drops the oldest of too many", () => {
  let pins: readonly ChartSubject[] = [];
  for (let number = 0; number < 14; number += 1) pins = togglePin(pins, subject(String(number)));
  expect(pins.map(({ title }) => title).slice(0, 2)).toEqual(["2", "3"]);
});
