/**
 * Speed of detection verdicts and of COCO evaluation, the latter beside pycocotools in the same run where Python has
 * it:
 *
 *     node tools/run.mjs packages/verifiers/src/detection/detection.bench.ts        (PYTHON=path/to/python to choose one)
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CocoProblem } from "../coco/coco-data";
import { evaluateCoco } from "../coco/coco-evaluation";
import { cocoStats } from "../coco/coco-summary";
import { detection } from "./detection-verifier";

/** One measured number. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly note?: string;
}

/** Park & Miller's generator: the same problem on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Answers with five boxes that are a few pixels off, as [response, gold]. */
export function answerPairs(count: number, seed = 1): [response: string, gold: string][] {
  const random = generator(seed);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const entry = (corners: number[], label: string) => `{'bbox_2d': [${corners.join(", ")}], 'label': '${label}'}`;
  return Array.from({ length: count }, () => {
    const golds: string[] = [];
    const predictions: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [x, y] = [between(0, 500), between(0, 350)];
      const corners = [x, y, x + between(20, 140), y + between(20, 130)];
      const label = ["cat", "dog", "bus"][between(0, 2)] as string;
      golds.push(entry(corners, label));
      predictions.push(
        entry(
          corners.map((value) => value + between(-4, 4)),
          label,
        ),
      );
    }
    return [
      `<think>\nlook\n</think>\n<answer>\n[${predictions.join(", ")}]\n</answer>`,
      `<answer>\n[${golds.join(", ")}]\n</answer>`,
    ];
  });
}

/**
 * A random detection problem: 28 gold boxes and 100 detections a picture, of which three in five are near a gold box.
 */
export function cocoProblem(
  images = 100,
  categories = 80,
  detectionsPerImage = 100,
  seed = 1,
): CocoProblem & { annotations: object[]; detections: object[] } {
  const random = generator(seed);
  const freshBox = () => [random() * 500, random() * 350, 10 + random() * 130, 10 + random() * 120];
  const annotations: (CocoProblem["annotations"][number] & { id: number })[] = [];
  const detections: CocoProblem["detections"][number][] = [];
  for (let image = 0; image < images; image++) {
    const first = annotations.length;
    for (let g = 0; g < 28; g++) {
      const bbox = freshBox();
      annotations.push({
        id: annotations.length + 1,
        image_id: image,
        category_id: Math.floor(random() * categories),
        bbox,
        area: (bbox[2] as number) * (bbox[3] as number),
        iscrowd: 0,
      });
    }
    for (let d = 0; d < detectionsPerImage; d++) {
      const near = random() < 0.6 ? annotations[first + Math.floor(random() * 28)] : undefined;
      const bbox =
        near === undefined
          ? freshBox()
          : near.bbox.map((value, axis) => Math.max(axis < 2 ? 0 : 2, value + (random() - 0.5) * 14));
      detections.push({
        image_id: image,
        category_id: near?.category_id ?? Math.floor(random() * categories),
        bbox,
        score: random(),
      });
    }
  }
  return {
    images: Array.from({ length: images }, (_, id) => ({ id })),
    categories: Array.from({ length: categories }, (_, id) => ({ id })),
    annotations,
    detections,
  };
}

function bestSeconds(repeats: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    run();
    best = Math.min(best, (performance.now() - started) / 1000);
  }
  return best;
}

/** Measures; takes a few seconds. */
export function detectionBench(): BenchRow[] {
  const params = {
    det_reward_ratio: {
      iou_max_label_first: 1,
      iou_max_iou_first: 0,
      iou_completeness: 0.3,
      map: 0,
      map50: 0,
      map75: 0,
    },
  };
  const pairs = answerPairs(2000);
  const perRun = bestSeconds(8, () => {
    for (const [response, groundTruth] of pairs) detection.verify(response, { groundTruth, params });
  });
  const problem = cocoProblem();
  const coco = bestSeconds(5, () => void evaluateCoco(problem));
  const rows: BenchRow[] = [
    { name: "detection verdict, 5 boxes, all metrics", value: pairs.length / perRun, unit: "verdicts/s" },
    { name: "COCO evaluation, 100 images × 80 categories × 100 detections", value: coco, unit: "s" },
  ];
  const peer = pycocotools(problem);
  if (typeof peer === "string")
    return [...rows, { name: "pycocotools on the same problem", value: Number.NaN, unit: "s", note: peer }];
  const difference = Math.max(
    ...cocoStats(evaluateCoco(problem).stats).map((value, index) =>
      Math.abs(value - (peer.stats[index] ?? Number.NaN)),
    ),
  );
  return [
    ...rows,
    {
      name: "pycocotools on the same problem",
      value: peer.seconds,
      unit: "s",
      note: `largest difference in the 12 numbers ${difference.toExponential(1)}`,
    },
    { name: "COCO evaluation, times faster than pycocotools", value: peer.seconds / coco, unit: "×" },
  ];
}

/** pycocotools' best time, or why there is none. */
function pycocotools(problem: CocoProblem): { seconds: number; stats: number[] } | string {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-coco-"));
  try {
    const file = join(folder, "problem.json");
    writeFileSync(file, JSON.stringify(problem));
    const script = resolve(import.meta.dirname, "../../bench/pycocotools_bench.py");
    const { status, stdout, stderr, error } = spawnSync(process.env["PYTHON"] ?? "python3", [script, file], {
      encoding: "utf8",
    });
    if (error !== undefined) return `not measured: ${error.message}`;
    if (status !== 0)
      return `not measured: ${stderr.trim().split("\n").at(-1)} (pip install pycocotools, then PYTHON=that python)`;
    return JSON.parse(stdout) as { seconds: number; stats: number[] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { name, value, unit, note } of detectionBench())
    console.log(`${name}: ${Number(value.toPrecision(4))} ${unit}${note === undefined ? "" : ` (${note})`}`);
}
