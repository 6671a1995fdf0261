// npm run hardware: writes the table of docs/hardware.md again, from the memory estimate of `train --dry-run`.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { publishedModels } from "@v-triune/policy";
import {
  type MemoryEstimate,
  estimateMemory,
  fitsMemory,
  modelArchitecture,
  resolveTrainingConfig,
} from "@v-triune/training";

const page = join(import.meta.dirname, "../docs/hardware.md");
const MACHINES_GB = [16, 24, 32, 48, 64, 96, 128, 192, 256];
const TOKENS = 512;

/** What a run trains, and what the rest is kept in. */
const WAYS = [
  { name: "LoRA, `dtype: bfloat16`", model: { adapter: { rank: 16 }, dtype: "bfloat16" } },
  { name: "LoRA", model: { adapter: { rank: 16 } } },
  { name: "language model", model: {} },
] as const;

async function estimate(
  published: Readonly<Record<string, unknown>>,
  model: (typeof WAYS)[number]["model"],
): Promise<MemoryEstimate> {
  const config = resolveTrainingConfig(
    {
      model: { init: "random", config: { ...published }, tokenizer: "unused", ...model },
      data: { train: "unused" },
      rollout: { maxPromptTokens: TOKENS, maxNewTokens: TOKENS },
      update: { microBatchTokens: 2 * TOKENS, gradientCheckpointing: true },
    },
    resolve("/"),
  );
  return estimateMemory(config, await modelArchitecture(config.model), { promptTokens: TOKENS });
}

/** The table's lines. */
export async function hardwareTable(): Promise<string> {
  const lines = ["| model | trained | memory | smallest machine |", "|---|---|---|---|"];
  for (const { name, parameters, config } of publishedModels)
    for (const [index, way] of WAYS.entries()) {
      const { total } = await estimate(config, way.model);
      const machine = MACHINES_GB.find((size) => fitsMemory({ total }, size * 1e9));
      lines.push(
        `| ${index === 0 ? `${name}, ${(parameters / 1e9).toFixed(1)} B` : ""} | ${way.name} | ${(total / 1e9).toFixed(0)} GB | ` +
          `${machine === undefined ? `over ${MACHINES_GB.at(-1)} GB` : `${machine} GB`} |`,
      );
    }
  return lines.join("\n");
}

/** Puts the table in place of the page's. */
export function withTable(text: string, table: string): string {
  return text.replace(/\| model \| trained [\s\S]*?\n(?=\n)/, () => `${table}\n`);
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(page, withTable(readFileSync(page, "utf8"), await hardwareTable()));
