import type { DemoSource } from "../drawing/question";
import { chart } from "./chart";
import { count } from "./count";
import { detect } from "./detect";
import { ground } from "./ground";
import { puzzle } from "./puzzle";
import { read } from "./read";
import { sum } from "./sum";

/** The demonstration's sources by data_source, with the task each belongs to; perception and reasoning mixed. */
export const demoSources = {
  demo_count: { task: "counting", draw: count },
  demo_detect: { task: "detection", draw: detect },
  demo_ground: { task: "grounding", draw: ground },
  demo_read: { task: "ocr", draw: read },
  demo_chart: { task: "chart", draw: chart },
  demo_sum: { task: "math", draw: sum },
  demo_puzzle: { task: "puzzle", draw: puzzle },
} as const satisfies Record<string, { task: string; draw: DemoSource }>;

export type DemoSourceName = keyof typeof demoSources;
export const demoSourceNames = Object.keys(demoSources) as DemoSourceName[];
