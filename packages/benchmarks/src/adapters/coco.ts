/**
 * COCO val2017 (arXiv 1405.0312) as two benchmarks, as arXiv 2505.18129 evaluates it: objects that are the only one of
 * their category in a picture, one question each (single), and all objects of a picture at once (multi). The paper does
 * not publish its lists; crowd regions are left out here, and multi takes pictures with two objects or more.
 *
 * Metric: COCO's AP of each picture, all scores 1, averaged over the questions, as answers carry no confidence.
 * `dataset_ap` is pycocotools' AP over all questions at once.
 */
import { averagePrecision, evaluateCoco } from "@v-triune/verifiers/detection";
import { type Benchmark, type BenchmarkItem, type ScoredItem, meanScore } from "../benchmark";
import { answeredBoxes, cocoBoxes, detectionPrompt } from "../answers/box-answer";
import { type CocoFile, type CocoObject, objectsByPicture, readCocoFile } from "../files/coco-file";
import { firstExisting, wrongLayout } from "../files/layout";

const annotations = ["annotations/instances_val2017.json", "instances_val2017.json"];
const pictureFolders = ["val2017", "images/val2017", "images", "."];

function cocoBenchmark(kind: "single" | "multi"): Benchmark {
  return {
    name: `coco-${kind}`,
    title: `COCO val2017, ${kind === "single" ? "one object" : "all objects"}`,
    domain: "in",
    domainReason: "detection of everyday objects is trained on V3Det and Object365",
    task: "detection",
    metric: "mean over pictures of COCO's AP at 0.5:0.95 (pycocotools 2.0.11), all scores 1",
    layout: `${annotations[0]} and val2017/`,
    async open(folder) {
      const path = firstExisting(folder, annotations);
      if (path === undefined) throw wrongLayout("COCO val2017", folder, annotations);
      const file = readCocoFile(path);
      return { items: [...questions(file, folder, kind)], leftOut: {}, summarize: (scored) => summarize(scored, file) };
    },
  } satisfies Benchmark;
}

function* questions(file: CocoFile, folder: string, kind: "single" | "multi"): Generator<BenchmarkItem> {
  for (const [picture, objects] of objectsByPicture(file)) {
    const groups =
      kind === "multi"
        ? objects.length < 2
          ? []
          : [objects]
        : objects
            .filter(({ label }) => objects.filter((other) => other.label === label).length === 1)
            .map((object) => [object]);
    for (const golds of groups) yield question(file, folder, picture, golds, kind);
  }
}

function question(
  file: CocoFile,
  folder: string,
  pictureId: number,
  golds: readonly CocoObject[],
  kind: string,
): BenchmarkItem {
  const picture = file.pictures.get(pictureId)!;
  const labels = [...new Set(golds.map(({ label }) => label))];
  const goldBoxes = golds.map(({ label, bbox: [x, y, w, h] }) => ({
    label: label.toLowerCase(),
    bbox: [x, y, x + w, y + h] as const,
  }));
  return {
    id: kind === "single" ? `${pictureId}-${labels[0]}` : String(pictureId),
    part: kind,
    prompt: detectionPrompt(labels),
    pictures: async () => [
      firstExisting(
        folder,
        pictureFolders.map((place) => `${place}/${picture.fileName}`),
      ) ?? `${folder}/val2017/${picture.fileName}`,
    ],
    score(response, seen) {
      const boxes = answeredBoxes(response, seen[0], picture.width, picture.height);
      return { score: averagePrecision(boxes, goldBoxes).map, vote: null, boxes: cocoBoxes(boxes) };
    },
  };
}

/** Every question is a picture of its own to COCO's evaluation. */
function summarize(scored: readonly ScoredItem[], file: CocoFile) {
  const byPicture = objectsByPicture(file);
  const categoryIds = new Map([...file.categories].map(([id, name]) => [name.toLowerCase(), id]));
  const annotationsOf = scored.flatMap(({ item }) => {
    const [picture, ...label] = item.id.split("-");
    return (byPicture.get(Number(picture)) ?? [])
      .filter((object) => label.length === 0 || object.label === label.join("-"))
      .map(({ bbox, category, area }) => ({ image_id: item.id, category_id: category, bbox, area }));
  });
  const detections = scored.flatMap(({ item, answer }) =>
    (answer.boxes ?? []).flatMap(({ label, bbox }) =>
      categoryIds.has(label) ? [{ image_id: item.id, category_id: categoryIds.get(label)!, bbox, score: 1 }] : [],
    ),
  );
  const { stats } = evaluateCoco({
    images: scored.map(({ item }) => ({ id: item.id })),
    categories: [...file.categories.keys()].map((id) => ({ id })),
    annotations: annotationsOf,
    detections,
  });
  return {
    headline: meanScore(scored),
    further: {
      dataset_ap: Math.max(0, stats.ap),
      dataset_ap50: Math.max(0, stats.ap50),
      dataset_ap75: Math.max(0, stats.ap75),
    },
  };
}

export const cocoSingle: Benchmark = cocoBenchmark("single");
export const cocoMulti: Benchmark = cocoBenchmark("multi");
