/**
 * OVDEval (arXiv 2308.13177): open-vocabulary detection with hard negatives, nine sub-tasks, each a COCO file
 * (`color.json`) whose images carry the labels asked for (`text`) and negatives (`neg_text`), with its pictures
 * unpacked beside it (`color/`).
 *
 * Metric: NMS-AP as om-ai-lab/OVDEval eval.py @ 40c12fe: of all predictions over a gold box only one stays, whatever
 * its label, then pycocotools' AP over the sub-task; the headline is the mean over the sub-tasks. All scores are 1, as
 * answers carry no confidence.
 */
import { basename, join } from "node:path";
import { averagePrecision, evaluateNmsAp, suppressByGold } from "@v-triune/verifiers/detection";
import type { Benchmark, BenchmarkItem, ScoredItem } from "../benchmark";
import { answeredBoxes, cocoBoxes, detectionPrompt } from "../answers/box-answer";
import { type CocoFile, objectsByPicture, readCocoFile } from "../files/coco-file";
import { firstExisting, wrongLayout } from "../files/layout";

const parts = ["celebrity", "color", "landmark", "logo", "material", "negation", "object", "position", "relationship"];

export const ovdeval: Benchmark = {
  name: "ovdeval",
  title: "OVDEval",
  domain: "out",
  domainReason: "labels by attribute, relation and negation with hard negatives are not in the training corpus",
  task: "detection",
  metric: "NMS-AP (om-ai-lab/OVDEval eval.py), mean over the sub-tasks",
  layout: "color.json, logo.json, .. and the folders color/, logo/, .. of their pictures",
  async open(folder) {
    const found = parts.flatMap((part) => firstExisting(folder, [`${part}.json`, `annotations/${part}.json`]) ?? []);
    if (found.length === 0) throw wrongLayout("OVDEval", folder, [`${parts.slice(0, 3).join(".json, ")}.json ..`]);
    const files = new Map(found.map((path) => [basename(path, ".json"), readCocoFile(path)]));
    const items = [...files].flatMap(([part, file]) => {
      const objects = objectsByPicture(file);
      return [...file.pictures.keys()].map((id) => question(folder, part, file, id, objects.get(id) ?? []));
    });
    return { items, leftOut: {}, summarize: (scored) => summarize(scored, files) };
  },
};

function question(
  folder: string,
  part: string,
  file: CocoFile,
  id: number,
  objects: readonly { readonly label: string; readonly bbox: readonly [number, number, number, number] }[],
): BenchmarkItem {
  const picture = file.pictures.get(id)!;
  const labels = [
    ...new Set([...(picture.text.length > 0 ? picture.text : objects.map(({ label }) => label)), ...picture.negatives]),
  ].sort();
  const gold = objects.map(({ label, bbox: [x, y, w, h] }) => ({
    label: label.toLowerCase(),
    bbox: [x, y, x + w, y + h] as const,
  }));
  return {
    id: `${part}-${id}`,
    part,
    prompt: detectionPrompt(labels),
    pictures: async () => [
      firstExisting(folder, [
        `${part}/${picture.fileName}`,
        `${part}/images/${picture.fileName}`,
        `images/${part}/${picture.fileName}`,
        `images/${picture.fileName}`,
      ]) ?? join(folder, part, picture.fileName),
    ],
    score(response, seen) {
      const boxes = cocoBoxes(answeredBoxes(response, seen[0], picture.width, picture.height));
      const left = suppressByGold(
        objects.map(({ label, bbox }) => ({ image_id: 0, category_id: label.toLowerCase(), bbox })),
        boxes.map(({ label, bbox }) => ({ image_id: 0, category_id: label, bbox, score: 1 })),
      );
      const corners = left.map(({ bbox: [x = 0, y = 0, w = 0, h = 0], category_id: label }) => ({
        label: String(label),
        bbox: [x, y, x + w, y + h] as const,
      }));
      // A picture without a gold box only tells something over the whole sub-task, where its predictions are false.
      return { score: gold.length === 0 ? null : averagePrecision(corners, gold).map, vote: null, boxes };
    },
  };
}

function summarize(scored: readonly ScoredItem[], files: ReadonlyMap<string, CocoFile>) {
  const further: Record<string, number> = {};
  for (const [part, file] of files) {
    const asked = scored.filter(({ item }) => item.part === part);
    if (asked.length === 0) continue;
    const ids = new Set(asked.map(({ item }) => Number(item.id.slice(part.length + 1))));
    const categoryIds = new Map([...file.categories].map(([id, name]) => [name.toLowerCase(), id]));
    const { stats } = evaluateNmsAp({
      images: [...ids].map((id) => ({ id })),
      categories: [...file.categories.keys()].map((id) => ({ id })),
      annotations: file.objects
        .filter(({ picture }) => ids.has(picture))
        .map(({ picture, category, bbox, area }) => ({ image_id: picture, category_id: category, bbox, area })),
      detections: asked.flatMap(({ item, answer }) =>
        (answer.boxes ?? []).flatMap(({ label, bbox }) =>
          categoryIds.has(label)
            ? [
                {
                  image_id: Number(item.id.slice(part.length + 1)),
                  category_id: categoryIds.get(label)!,
                  bbox,
                  score: 1,
                },
              ]
            : [],
        ),
      ),
    });
    further[`nms_ap/${part}`] = Math.max(0, stats.ap);
  }
  const values = Object.values(further);
  return { headline: values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length, further };
}
