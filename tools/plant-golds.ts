/**
 * How well wrong golds are found in a corpus of your own: replaces some golds by those of other rows, simulates a model
 * that answers the true ones (with errors that go together: testing/simulated-model.ts of data-filters), curates, and
 * prints the golds that look most wrong with a mark for those that were planted.
 *
 *     node tools/run.mjs tools/plant-golds.ts CORPUS OUT [--share 0.05] [--skill 2] [--misconceptions 0.01] [--answers 8] [--seed 1] [--top 20]
 *
 * CORPUS is a folder that `v-triune curate` wrote, OUT a new one. It says how the method works on golds of that form.
 * It says nothing about which of the corpus' own golds are wrong: that takes the answers of a real model.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  curate,
  formatFunnel,
  formatSuspiciousGolds,
  readSamples,
  suspiciousGolds,
  writeSamples,
  type SourceConfig,
} from "@v-triune/data-filters";
import {
  detectionGroundTruth,
  parseDetectionGroundTruth,
  unboxGroundTruth,
  type GoldBox,
  type Sample,
} from "@v-triune/schema";
import { numbersFrom } from "../packages/data-filters/src/testing/drawn-pictures";
import { SAYINGS, shaken, simulatedAnswers } from "../packages/data-filters/src/testing/simulated-model";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    ["share", "skill", "misconceptions", "answers", "seed", "top"].map((name) => [name, { type: "string" as const }]),
  ),
});
const [corpus, out] = positionals;
if (corpus === undefined || out === undefined) throw new Error("usage: plant-golds.ts CORPUS OUT [--share 0.05] ..");
const option = (name: string, usual: number): number => Number(values[name] ?? usual);
const skill = {
  skill: option("skill", 2),
  misconceptions: option("misconceptions", 0.01),
  answers: option("answers", 8),
};
const draw = numbersFrom(option("seed", 1));
const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)]!;

mkdirSync(join(out, "corpus"), { recursive: true });
const planted = new Set<string>();
const rollouts: string[] = [];
const sources: SourceConfig[] = [];
for (const file of readdirSync(corpus)
  .filter((name) => /^train_\w+\.parquet$/.test(name))
  .sort()) {
  const [, task = "", name = ""] = file.split("_");
  const samples: Sample[] = [];
  for await (const sample of readSamples(join(corpus, file))) samples.push(sample);
  const isBoxes = samples[0]?.reward_model.verifier === "detection";
  const changed = isBoxes ? boxSamples(name, samples) : textSamples(name, samples);
  await writeSamples(join(out, "corpus", file), changed);
  sources.push({
    source: "verl",
    path: resolve(out, "corpus"),
    settings: { task, name, files: `${file.replace(".", "\\.")}$` },
  });
}
writeFileSync(join(out, "rollouts.jsonl"), rollouts.join("\n"));

const report = await curate({
  sources,
  rules: ["duplicate-id"],
  rollouts: join(out, "rollouts.jsonl"),
  boxes: "thousandths",
  output: join(out, "curated"),
});
console.log(formatFunnel(report));
const all = await suspiciousGolds(join(out, "curated"), 1e9);
for (const { source, rows } of report.suspiciousGolds?.sources ?? []) {
  const own = all.filter((gold) => gold.source === source && gold.suspicion >= 0.5);
  const right = own.filter(({ id }) => planted.has(`${source}/${id}`)).length;
  const of = [...planted].filter((key) => key.startsWith(`${source}/`)).length;
  const share = (n: number, total: number): string => (total === 0 ? "-" : (n / total).toFixed(2));
  console.log(
    `${source}: ${rows} rows, ${of} planted, ${own.length} suspected, precision ${share(right, own.length)}, recall ${share(right, of)}`,
  );
}
const top = all.slice(0, option("top", 20));
console.log("\nThe most suspicious, * planted:");
for (const [i, gold] of top.entries())
  console.log(
    `${planted.has(`${gold.source}/${gold.id}`) ? "*" : " "}${formatSuspiciousGolds([gold]).replace("  1 ", `${String(i + 1).padStart(3)} `)}`,
  );

function idOf(sample: Sample, place: number): string {
  return String(sample.extra_info?.id ?? place);
}

/** Golds of text: a wrong one is another row's. So are the model's wrong answers. */
function textSamples(name: string, samples: readonly Sample[]): Sample[] {
  const golds = samples.map(
    ({ reward_model }) => unboxGroundTruth(reward_model.ground_truth) ?? reward_model.ground_truth,
  );
  const different = [...new Set(golds)];
  return samples.map((sample, i) => {
    const truth = golds[i]!;
    const others = different.filter((gold) => gold !== truth);
    const near = others.length === 0 ? [truth] : Array.from({ length: 12 }, () => pick(others));
    const isWrong = others.length > 0 && draw() < option("share", 0.05);
    const id = idOf(sample, i);
    if (isWrong) planted.add(`${name}/${id}`);
    const said = simulatedAnswers(draw, skill, near.length).map((index) =>
      pick(SAYINGS)(index === 0 ? truth : near[index - 1]!),
    );
    rollouts.push(JSON.stringify({ source: name, id, responses: said }));
    const gold = isWrong ? pick(near) : truth;
    return {
      ...sample,
      reward_model: { ...sample.reward_model, answer: gold, ground_truth: `\\boxed{${gold}}` },
      extra_info: { ...sample.extra_info, id },
    };
  });
}

/** Golds of boxes: a wrong one has a box of another row in the place of its own. */
function boxSamples(name: string, samples: readonly Sample[]): Sample[] {
  const golds = samples.map(({ reward_model }) => parseDetectionGroundTruth(reward_model.ground_truth) ?? []);
  const places = golds.flat().map(({ bbox_2d }) => bbox_2d);
  return samples.map((sample, i) => {
    const truth = golds[i]!;
    const isWrong = truth.length > 0 && draw() < option("share", 0.05);
    const id = idOf(sample, i);
    if (isWrong) planted.add(`${name}/${id}`);
    const seen = truth.map(({ bbox_2d, label }) => {
      const nearest = pick(places);
      return simulatedAnswers(draw, skill, 50).map((index): GoldBox => {
        const place = index === 0 ? bbox_2d : index === 1 ? nearest : pick(places);
        return { label, bbox_2d: shaken(draw, place) };
      });
    });
    const responses = Array.from({ length: skill.answers }, (_, k) => {
      const list = seen.map((object) => object[k]!).map(({ bbox_2d, label }) => ({ bbox_2d, label }));
      return `<answer>${JSON.stringify(list)}</answer>`;
    });
    rollouts.push(JSON.stringify({ source: name, id, responses }));
    const gold = isWrong ? [{ ...truth[0]!, bbox_2d: pick(places) }, ...truth.slice(1)] : truth;
    return {
      ...sample,
      reward_model: { ...sample.reward_model, ground_truth: detectionGroundTruth(gold) },
      extra_info: { ...sample.extra_info, id },
    };
  });
}
