/** The pictures of `demo --zoom`: the same for a seed, letters that a crop shows whole, words of the vocabulary. */
import { createRandom } from "@v-triune/rollouts";
import { describe, expect, it } from "vitest";
import { glyphs } from "../drawing/glyphs";
import { callText, zoomOffer } from "./zoom-answer";
import { heldOutZoomQuestions, zoomSourceNames } from "./zoom-data";
import { drawPractice, practiceKinds } from "./zoom-practice";
import { type ZoomQuestion, drawZoomQuestion, storedSize, zoomScale } from "./zoom-question";
import { zoomVocabulary } from "./zoom-vocabulary";

/** The letters inside of the box, read off the stored pixels; a dot is `dot` pixels wide. */
function readLetters({ pixels, ground, panels: [panel] }: ZoomQuestion, dot: number): string {
  const [x1, y1, x2, y2] = panel!.box.map((at) => at * zoomScale) as [number, number, number, number];
  const isInk = (x: number, y: number): boolean => pixels[3 * (y * storedSize + x)] !== ground[0];
  const columns = Array.from({ length: x2 - x1 }, (_, i) => x1 + i);
  const rows = Array.from({ length: y2 - y1 }, (_, i) => y1 + i);
  const inkedColumns = columns.filter((x) => rows.some((y) => isInk(x, y)));
  const top = rows.find((y) => columns.some((x) => isInk(x, y)))!;
  // A letter ends where a column without ink follows.
  return inkedColumns
    .filter((x) => !inkedColumns.includes(x - 1))
    .map((left) => {
      const fits = [...glyphs].filter(
        ([character, drawing]) =>
          /[A-Z]/.test(character) &&
          drawing.every((row, y) =>
            row.every((inked, x) => isInk(left + x * dot + 1, top + y * dot + 1) === inked || left + x * dot >= x2),
          ),
      );
      return fits.length === 1 ? fits[0]![0] : "?";
    })
    .join("");
}

describe("the pictures of demo --zoom", () => {
  it("are the same for the same seed and others for another", () => {
    for (const size of ["tiny", "easy"] as const) {
      const draw = (seed: number) => drawZoomQuestion(size, createRandom(seed));
      expect(draw(3).panels).toEqual(draw(3).panels);
      expect(Buffer.from(draw(3).pixels).equals(draw(3).pixels)).toBe(true);
      expect(Buffer.from(draw(3).pixels).equals(draw(4).pixels)).toBe(false);
    }
  });

  it.each([
    ["tiny", 3],
    ["easy", 21],
  ] as const)("%s ones have the gold letters inside of the box", (size, dot) => {
    const random = createRandom(8);
    for (let index = 0; index < 10; index++) {
      const question = drawZoomQuestion(size, random);
      expect(readLetters(question, dot)).toBe(question.panels[0]!.letters);
    }
  });

  it("have worked answers in words of the vocabulary", () => {
    const pattern = [...zoomVocabulary]
      .sort((a, b) => b.length - a.length)
      .map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("|");
    const random = createRandom(2);
    for (const kind of practiceKinds)
      for (let index = 0; index < 4; index++) {
        const { worked } = drawPractice(kind, random);
        for (const text of [worked.prompt, worked.answer, zoomOffer, ...worked.looks.map(callText)])
          expect(text.replaceAll(new RegExp(pattern, "g"), ""), text).toBe("");
      }
  });

  it("are held out the same for every run, all different", () => {
    const found = [...heldOutZoomQuestions(4)];
    const pictures = found.map(({ question }) => Buffer.from(question.pixels));
    expect(found.map(({ source }) => source)).toEqual(
      zoomSourceNames.flatMap((source) => Array<string>(4).fill(source)),
    );
    expect([...heldOutZoomQuestions(4)].every(({ question }, at) => pictures[at]!.equals(question.pixels))).toBe(true);
    expect(pictures.every((one, at) => pictures.slice(at + 1).every((other) => !one.equals(other)))).toBe(true);
  });
});
