/**
 * Worked answers for the warm start of the model that looks closer, by kind. All end with the right letters: where the
 * model has not seen them, it learns to guess.
 */
import type { SeededRandom } from "@v-triune/rollouts";
import { pictureSize } from "../drawing/canvas";
import { responseText } from "../response";
import { type WorkedZoom, answerAfter, answerUnaided } from "./zoom-answer";
import { type ZoomPanel, type ZoomQuestion, drawZoomQuestion } from "./zoom-question";

export const practiceKinds = [
  /** Tiny pictures: the boxes of one to three frames, without a question for letters. */
  "find",
  /** Tiny: a look at the frame, then the letters. */
  "look",
  /** Tiny: a look beside the frame, one at it, then the letters. */
  "retry",
  /** Easy: the letters, without a look. */
  "easy",
  /** Tiny or easy, the tool not offered: the letters. */
  "unaided",
  /** Tiny: the letters at once. */
  "hasty",
  /** Tiny: a look beside the frame, then the letters all the same. */
  "astray",
] as const;
export type PracticeKind = (typeof practiceKinds)[number];

export interface Practice {
  readonly question: ZoomQuestion;
  readonly worked: WorkedZoom;
}

export function drawPractice(kind: PracticeKind, random: SeededRandom): Practice {
  switch (kind) {
    case "find": {
      const question = drawZoomQuestion("tiny", random, random.int(1, 3));
      return { question, worked: describedFrames(question) };
    }
    case "look":
      return tiny(random, ({ box }) => [box]);
    case "retry":
      return tiny(random, ({ box }) => [boxBeside(box, random, 2), box]);
    case "easy": {
      const question = drawZoomQuestion("easy", random);
      return { question, worked: answerAfter(question, []) };
    }
    case "unaided": {
      const question = drawZoomQuestion(random.pick(["tiny", "easy"]), random);
      return { question, worked: answerUnaided(question) };
    }
    case "hasty":
      return tiny(random, () => []);
    case "astray":
      return tiny(random, ({ box }) => [boxBeside(box, random, 1)]);
  }
}

function tiny(random: SeededRandom, looks: (panel: ZoomPanel) => WorkedZoom["looks"]): Practice {
  const question = drawZoomQuestion("tiny", random);
  return { question, worked: answerAfter(question, looks(question.panels[0]!)) };
}

/** The box moved by `least` to 4 times 4 pixels on both axes, as far as the picture goes. */
function boxBeside([x1, y1, x2]: ZoomPanel["box"], random: SeededRandom, least: number): ZoomPanel["box"] {
  const side = x2 - x1;
  const moved = (at: number): number =>
    Math.max(0, Math.min(pictureSize - side, at + random.pick([-4, 4]) * random.int(least, 4)));
  const [x, y] = [moved(x1), moved(y1)];
  return [x, y, x + side, y + side];
}

function describedFrames({ panels }: ZoomQuestion): WorkedZoom {
  const value = panels.map(({ color, box }) => `${color} [${box.join(", ")}]`).join(", ");
  return { prompt: "Find every frame.", looks: [], answer: responseText("", { kind: "description", value }) };
}
