/**
 * ScreenSpot-Pro (arXiv 2504.07981): `annotations/*.json`, each a list of {img_filename, bbox, instruction, ui_type,
 * img_size, ..} with bbox [x1, y1, x2, y2] in pixels of the screenshot, and `images/`.
 *
 * Metric: share of answers whose point lies in the target's box; a box is answered by its center (the authors'
 * evaluation; prompt and reading of points after lmms-eval). Coordinates above 1 are in the model's own
 * convention, by default pixels of the picture as the model saw it, not of the screenshot.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { isYFirst, type PictureSize } from "@v-triune/verifiers/detection";
import { answerCorner } from "../answers/box-answer";
import { type Benchmark, type BenchmarkItem, type SeenPicture, meanScore, partMeans } from "../benchmark";
import { field, firstExisting, isList, isNumbers, isText, readJson, wrongLayout } from "../files/layout";

export const screenspotPro: Benchmark = {
  name: "screenspot-pro",
  title: "ScreenSpot-Pro",
  domain: "out",
  domainReason: "screenshots of programs are not in the training corpus",
  task: "grounding",
  metric: "point in box, share of answers (ScreenSpot-Pro)",
  layout: "annotations/*.json and images/",
  async open(folder) {
    const annotations = firstExisting(folder, ["annotations"]);
    const files =
      annotations === undefined
        ? []
        : readdirSync(annotations)
            .filter((name) => name.endsWith(".json"))
            .sort();
    if (annotations === undefined || files.length === 0)
      throw wrongLayout("ScreenSpot-Pro", folder, ["annotations/*.json and images/"]);
    const items = files.flatMap((name) => {
      const path = join(annotations, name);
      const list = readJson(path);
      if (!isList(list)) throw wrongLayout("ScreenSpot-Pro", folder, [`a list of records in ${path}`]);
      return list.filter(isRecord).map((record, index) => question(folder, record, `${path}[${index}]`));
    });
    return {
      items,
      leftOut: {},
      summarize: (scored) => ({
        headline: meanScore(scored),
        further: Object.fromEntries(
          Object.entries(partMeans(scored)).map(([part, value]) => [`accuracy/${part}`, value]),
        ),
      }),
    };
  },
};

function question(folder: string, record: Readonly<Record<string, unknown>>, where: string): BenchmarkItem {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = field(record, "bbox", isNumbers, "[x1, y1, x2, y2]", where);
  const [width = 1, height = 1] = field(record, "img_size", isNumbers, "[width, height]", where);
  const file = field(record, "img_filename", isText, "a file name", where);
  const instruction = field(record, "instruction", isText, "a text", where);
  return {
    id: isText(record["id"]) ? record["id"] : where,
    part: isText(record["ui_type"]) ? record["ui_type"] : "other",
    prompt:
      `<image>\n` +
      "Where on this screenshot is the element for the instruction below? Answer with one point [x, y], as shares " +
      `of width and height between 0 and 1, and nothing else.\nInstruction: ${instruction}`,
    pictures: async () => [firstExisting(folder, [`images/${file}`]) ?? join(folder, "images", file)],
    score(response, seen) {
      const point = answeredPoint(response, seen[0], { width, height });
      const inside =
        point !== undefined &&
        point[0] >= x1 / width &&
        point[0] <= x2 / width &&
        point[1] >= y1 / height &&
        point[1] <= y2 / height;
      return { score: inside ? 1 : 0, vote: null };
    },
  };
}

const number = String.raw`(-?\d+(?:\.\d+)?)\s*(%?)`;

/**
 * The point of an answer as shares of width and height: the last pair in brackets, or the center of the last four
 * numbers in brackets.
 */
export function answeredPoint(
  response: string,
  seen: SeenPicture | undefined,
  stored?: PictureSize,
): readonly [number, number] | undefined {
  const text = /<answer>([\s\S]*?)(?:<\/answer>|$)/i.exec(response)?.[1] ?? response;
  const separator = String.raw`\s*[,;\s]\s*`;
  const box = [
    ...text.matchAll(
      new RegExp(String.raw`[[(]\s*${Array.from({ length: 4 }, () => number).join(separator)}\s*[\])]`, "g"),
    ),
  ].at(-1);
  const bracketed = [...text.matchAll(new RegExp(String.raw`[[(]\s*${number}${separator}${number}\s*[\])]`, "g"))].at(
    -1,
  );
  const named = [
    ...text.matchAll(
      new RegExp(String.raw`["']?x["']?\s*[:=]\s*${number}[\s\S]*?["']?y["']?\s*[:=]\s*${number}`, "gi"),
    ),
  ].at(-1);
  const pair = bracketed ?? named;
  const value = (match: RegExpExecArray | RegExpMatchArray, at: number): number =>
    Number(match[2 * at + 1]) / (match[2 * at + 2] === "%" ? 100 : 1);
  const found =
    box !== undefined && (pair === undefined || box.index > pair.index)
      ? ([(value(box, 0) + value(box, 2)) / 2, (value(box, 1) + value(box, 3)) / 2] as const)
      : pair === undefined
        ? undefined
        : ([value(pair, 0), value(pair, 1)] as const);
  if (found === undefined) return undefined;
  const isYBeforeX = seen?.boxes !== undefined && isYFirst(seen.boxes) && (pair !== named || bracketed !== undefined);
  const [x, y] = isYBeforeX ? [found[1], found[0]] : found;
  if (x <= 1 && y <= 1) return [x, y];
  if (seen === undefined) return undefined;
  const corner = answerCorner(seen, stored ?? seen);
  return [x / corner.width, y / corner.height];
}
