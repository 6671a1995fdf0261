/**
 * The tasks and sources of V-Triune as data (arXiv 2505.18129, section 4: 18 sources, 8 tasks, 27.1K reasoning and
 * 20.6K perception samples after filtering). Row counts are the owners' published ones, before any filter. Counts,
 * licenses and addresses are for orientation; the owners may change them.
 */
import { nearest } from "@v-triune/errors";
import { DatasetError } from "./dataset-error";
import { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO } from "./reward-defaults";

/** The eight tasks, in the paper's order: four of reasoning, four of perception. */
export const TASKS = ["math", "puzzle", "science", "chart", "detection", "grounding", "counting", "ocr"] as const;
export type Task = (typeof TASKS)[number];

/** Whether a task is one of reasoning or of perception. */
export function taskKind(task: Task): "reasoning" | "perception" {
  return task === "math" || task === "puzzle" || task === "science" || task === "chart" ? "reasoning" : "perception";
}

/** How a task's samples are marked on disk: `ability` is the task for reasoning and `cv_<task>` for perception. */
export function abilityOf(task: Task): string {
  return taskKind(task) === "reasoning" ? task : `cv_${task}`;
}

/** What a source is, and how its samples are rewarded by default. */
export interface SourceInfo {
  /** Name in configurations, unique. */
  readonly key: string;
  /** The owner's own name of the data set. */
  readonly title: string;
  readonly task: Task;
  readonly verifier: "mathverify" | "detection" | "answer";
  /** What `answer` is told of every gold answer of the source: `verifier_parm.type`. */
  readonly answerType?: string;
  readonly accuracyRatio: number;
  readonly formatRatio: number;
  /** `data_source` of its training samples on disk. */
  readonly dataSource: string;
  /** `{source}` in `{split}_{task}_{source}_{count}.parquet`. */
  readonly fileSource: string;
  readonly owner: string;
  /** License of the data, as the owner states it. */
  readonly license: string;
  /** Where the owner publishes it. */
  readonly url: string;
  /** Rows as published, before any filter. */
  readonly size: string;
  /** Files, relative to the source's folder, that its adapter looks for. */
  readonly files: readonly string[];
}

/** The verifier and ratios of a task: 1.0 / 0.0 for free-form answers, 1.0 / 0.1 for boxes. */
export function taskDefaults(task: Task): Pick<SourceInfo, "verifier" | "accuracyRatio" | "formatRatio"> {
  return task === "detection" || task === "grounding"
    ? { verifier: "detection", accuracyRatio: DEFAULT_ACCURACY_RATIO, formatRatio: DEFAULT_FORMAT_RATIO }
    : { verifier: "mathverify", accuracyRatio: DEFAULT_ACCURACY_RATIO, formatRatio: 0.0 };
}

type SourceRow = Omit<SourceInfo, "verifier" | "accuracyRatio" | "formatRatio" | "dataSource" | "fileSource"> &
  Partial<Pick<SourceInfo, "dataSource" | "fileSource">>;

function source(row: SourceRow): SourceInfo {
  return { dataSource: row.key, fileSource: row.key.replace(/_/g, ""), ...taskDefaults(row.task), ...row };
}

/** The 18 sources. */
export const sources: readonly SourceInfo[] = [
  source({
    key: "mm_math",
    title: "MM-Math",
    task: "math",
    owner: "THU-KEG",
    license: "MIT",
    url: "https://huggingface.co/datasets/THU-KEG/MM_Math",
    size: "5,929 questions",
    files: ["MM_Math.jsonl", "MM_Math.zip (or the folder it unpacks to)"],
  }),
  source({
    key: "geometry3k",
    title: "Geometry3K",
    task: "math",
    owner: "InterGPS (lupantech)",
    license: "MIT",
    url: "https://github.com/lupantech/InterGPS",
    size: "3,002 problems",
    files: ["<split>/<id>/data.json", "<split>/<id>/img_diagram.png"],
  }),
  source({
    key: "mmk12",
    title: "MMK12",
    task: "math",
    owner: "MM-Eureka (FanqingM)",
    license: "Apache-2.0",
    url: "https://huggingface.co/datasets/FanqingM/MMK12",
    size: "15,616 training questions",
    files: ["k12.json and images/, or data/*.parquet"],
  }),
  source({
    key: "puzzlevqa",
    title: "PuzzleVQA and AlgoPuzzleVQA",
    task: "puzzle",
    owner: "declare-lab",
    license: "MIT",
    url: "https://github.com/declare-lab/LLM-PuzzleTest",
    size: "2,000 + 1,800 puzzles",
    files: ["data/<pattern>.json (JSON Lines)", "data/images/**"],
  }),
  source({
    key: "visualpuzzles",
    title: "VisualPuzzles",
    task: "puzzle",
    owner: "neulab",
    license: "MIT",
    url: "https://huggingface.co/datasets/neulab/VisualPuzzles",
    size: "1,168 puzzles",
    files: ["data.parquet"],
  }),
  source({
    key: "scienceqa",
    title: "ScienceQA",
    task: "science",
    owner: "lupantech",
    license: "CC BY-NC-SA 4.0",
    url: "https://github.com/lupantech/ScienceQA",
    size: "21,208 questions",
    files: ["problems.json", "pid_splits.json", "images/<split>/<id>/image.png"],
  }),
  source({
    key: "scivqa",
    title: "SciVQA",
    task: "science",
    owner: "katebor",
    license: "CC BY-NC-SA 4.0",
    url: "https://huggingface.co/datasets/katebor/SciVQA",
    size: "21,000 questions on 3,000 figures",
    files: ["*.json, *.jsonl or *.parquet", "images*/<image_file>"],
  }),
  source({
    key: "virl39k_science",
    title: "ViRL39K (Broader STEM Topics; (GradeSchool) Science)",
    task: "science",
    owner: "TIGER-Lab",
    license: "MIT",
    url: "https://huggingface.co/datasets/TIGER-Lab/ViRL39K",
    size: "38,870 questions in all categories",
    files: ["39Krelease.parquet", "images.zip (or the folder it unpacks to)"],
  }),
  source({
    key: "chartqapro",
    title: "ChartQAPro",
    task: "chart",
    owner: "ahmed-masry",
    license: "GPL-3.0",
    url: "https://huggingface.co/datasets/ahmed-masry/ChartQAPro",
    size: "1,948 questions",
    files: ["data/*.parquet"],
  }),
  source({
    key: "chartx",
    title: "ChartX",
    task: "chart",
    owner: "UniModal4Reasoning",
    license: "CC BY 4.0",
    url: "https://huggingface.co/datasets/U4R/ChartX",
    size: "6,000 charts",
    files: ["ChartX_annotation.json", "<chart_type>/png/<name>.png"],
  }),
  source({
    key: "tablevqa",
    title: "TableVQA-Bench",
    task: "chart",
    owner: "naver-ai",
    license: "CC BY 4.0",
    url: "https://huggingface.co/datasets/terryoo/TableVQA-Bench",
    size: "1,500 questions",
    files: ["<subset>.json and images/<subset>/, or data/*.parquet"],
  }),
  source({
    key: "virl39k_chart",
    title: "ViRL39K (Tables/Diagrams/Charts)",
    task: "chart",
    owner: "TIGER-Lab",
    license: "MIT",
    url: "https://huggingface.co/datasets/TIGER-Lab/ViRL39K",
    size: "38,870 questions in all categories",
    files: ["39Krelease.parquet", "images.zip (or the folder it unpacks to)"],
  }),
  source({
    key: "v3det",
    title: "V3Det",
    task: "detection",
    dataSource: "v3det_train",
    owner: "V3Det",
    license: "CC BY 4.0 (annotations)",
    url: "https://github.com/V3Det/V3Det",
    size: "243,000 pictures, 13,204 categories",
    files: ["v3det_2023_v1_train.json (COCO style)", "images/<node>/<name>.jpg"],
  }),
  source({
    key: "object365",
    title: "Objects365",
    task: "detection",
    dataSource: "object365_train",
    owner: "Objects365",
    license: "CC BY 4.0 (annotations)",
    url: "https://www.objects365.org",
    size: "2 million pictures, 365 categories",
    files: ["zhiyuan_objv2_train.json (COCO style)", "images/v*/patch*/<name>.jpg"],
  }),
  source({
    key: "d3",
    title: "D3, Description Detection Dataset",
    task: "grounding",
    dataSource: "d3_train",
    owner: "shikras",
    license: "CC BY-NC 4.0",
    url: "https://github.com/shikras/d-cube",
    size: "10,578 pictures, 422 descriptions",
    files: ["d3_full_annotations.json (COCO style)", "d3_images/<name>.jpg"],
  }),
  source({
    key: "clevr",
    title: "CLEVR (also Super-CLEVR)",
    task: "counting",
    owner: "Stanford, Facebook AI Research",
    license: "CC BY 4.0",
    url: "https://cs.stanford.edu/people/jcjohns/clevr",
    size: "699,989 training questions",
    files: ["questions/CLEVR_<split>_questions.json or scenes/CLEVR_<split>_scenes.json", "images/<split>/<name>.png"],
  }),
  source({
    key: "llava_ov_ocr",
    title: "LLaVA-OneVision (OCR questions, English)",
    task: "ocr",
    owner: "lmms-lab",
    license: "Apache-2.0 (each subset its own)",
    url: "https://huggingface.co/datasets/lmms-lab/LLaVA-OneVision-Data",
    size: "3.2 million conversations in all subsets",
    files: ["<subset>/*.parquet"],
  }),
  source({
    key: "estvqa",
    title: "EST-VQA",
    task: "ocr",
    owner: "xinke-wang",
    license: "not stated",
    url: "https://github.com/xinke-wang/EST-VQA",
    size: "28,064 questions on 25,239 pictures",
    files: ["*.json (question_id, question, answer, evidence)", "images/<id>.jpg"],
  }),
];

const byKey = new Map(sources.map((info) => [info.key, info]));

/**
 * The source of a key.
 *
 * @throws DatasetError with the nearest key when there is none
 */
export function sourceInfo(key: string): SourceInfo {
  const info = byKey.get(key);
  if (info !== undefined) return info;
  const near = nearest(key, byKey.keys());
  throw new DatasetError({
    code: "bad-option",
    field: "source",
    expected: `one of ${[...byKey.keys()].join(", ")}`,
    found: key,
    fix: near === null ? undefined : `did you mean ${near}?`,
  });
}
