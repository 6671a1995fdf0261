/**
 * `@v-triune/policy/conformance`: plays the ways in which a model family is used, on a folder of reference values of
 * one of its models (made by transformers as tools/goldens/qwen3_vl/generate.py does), and returns what is wrong. Under
 * any test framework:
 *
 *     expect(await checkModelFamily("tools/goldens/qwen3_vl/tied")).toEqual([]);
 */
import * as tf from "@tensorflow/tfjs-core";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { familyOf, toPublishedConfigJson } from "./families/model-families";
import type { PromptInput, TokenizedRollout } from "./model/tokenized-rollout";
import { relativeL2 } from "./parity/model-differences";
import { referenceBatch, type CaseFile } from "./parity/model-case";
import { checkModel } from "./parity/model-parity";
import { largestDifference, withinTolerance } from "./parity/parity";
import { readReference } from "./parity/reference-files";
import { type VlmOptions, type VlmPolicy } from "./policy/vlm-policy";
import { internalName, moduleName } from "./weights/tensor-names";
import type { ParameterGroup } from "./weights/parameter-shapes";
import { readModelConfig, loadVlm, createReplica, openSafetensors } from "./folder/read-model";
import { writeModelConfig } from "./folder/save-policy";

export interface FamilyCheckOptions {
  /** Steps and generations after which no tensor may be left over. Default 20. */
  readonly repeats?: number;
}

const GROUPS: readonly ParameterGroup[] = ["vision", "connector", "language"];
const SAME = 1e-5;
const GRADIENTS = 1e-4;

/**
 * @param folder a model and its reference values: config.json, model.safetensors, index.json, cases/
 * @returns one sentence per problem, none if the family is in order
 * @throws ParityError, ModelConfigError or WeightsError when a file is missing or malformed
 */
export async function checkModelFamily(folder: string, options: FamilyCheckOptions = {}): Promise<string[]> {
  const problems = (await checkModel(folder))
    .filter((row) => !withinTolerance(row))
    .map(({ quantity, error, tolerance, worst }) => `${quantity}: ${error} is over ${tolerance} at ${worst}`);
  const scratch = mkdtempSync(join(tmpdir(), "v-triune-family-"));
  try {
    problems.push(...checkConfig(folder, scratch), ...checkNames(folder));
    const rows = rolloutsOf(folder);
    if (!rows.some(({ images }) => images)) problems.push("no case has a picture: nothing of the tower is trained");
    problems.push(
      ...(await checkGroups(folder, rows)),
      ...(await checkVariants(folder, rows)),
      ...(await checkStorage(folder, scratch, rows)),
      ...(await checkAdapter(folder, scratch, rows)),
      ...(await checkSampling(folder, rows, options.repeats ?? 20)),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return problems;
}

function checkConfig(folder: string, scratch: string): string[] {
  const config = readModelConfig(folder);
  writeModelConfig(scratch, config);
  const again = readModelConfig(scratch);
  if (JSON.stringify(again) === JSON.stringify(config)) return [];
  return [`config.json changes when it is written and read: ${JSON.stringify(toPublishedConfigJson(config))}`];
}

function checkNames(folder: string): string[] {
  const config = readModelConfig(folder);
  const family = familyOf(config);
  const shapes = family.parameterShapes(config);
  const reader = openSafetensors(folder);
  try {
    const stored = new Set(reader.names);
    return shapes.flatMap(({ name }) => [
      ...(stored.has(family.storedName(name)) ? [] : [`${name}: the folder has no ${family.storedName(name)}`]),
      ...([family.storedName(name), moduleName(name)].every((other) => internalName(other) === name)
        ? []
        : [`${name}: its stored name or its name in memory does not lead back to it`]),
    ]);
  } finally {
    reader.close();
  }
}

/** The folder's cases as rollouts: what follows the last picture is the completion, once whole and once in part. */
function rolloutsOf(folder: string): TokenizedRollout[] {
  const config = readModelConfig(folder);
  return readdirSync(join(folder, "cases"))
    .filter((name) => /^[^.]+\.json$/.test(name))
    .sort()
    .flatMap((file): TokenizedRollout[] => {
      const values = openSafetensors(join(folder, "cases", file.replace(/\.json$/, ".safetensors")));
      try {
        const reference = readReference<CaseFile>(join(folder, "cases", file), ["input_ids", "attention_mask"]);
        const { prompts } = referenceBatch(reference, values, config);
        return prompts.flatMap((prompt) => {
          const last = prompt.promptIds.reduce(
            (at, id, i) => (id === config.imageTokenId || id === config.videoTokenId ? i : at),
            0,
          );
          const cut = Math.max(2, last + 2);
          const row = {
            ...prompt,
            promptIds: prompt.promptIds.slice(0, cut),
            completionIds: prompt.promptIds.slice(cut),
          };
          return [row, { ...row, completionIds: row.completionIds.subarray(0, 2) }];
        });
      } finally {
        values.close();
      }
    })
    .filter(({ completionIds }) => completionIds.length > 0)
    .slice(0, 8);
}

function logProbsOf(policy: VlmPolicy, rows: readonly TokenizedRollout[]): Float32Array {
  const width = Math.max(...rows.map(({ completionIds }) => completionIds.length));
  const { logProbs } = policy.logProbs(rows, { width });
  const values = logProbs.dataSync<"float32">().slice();
  logProbs.dispose();
  return values;
}

/** Gradients of the sum of log-probabilities by parameter; undefined where a tensor has none. */
function gradientsOf(policy: VlmPolicy, rows: readonly TokenizedRollout[]): Map<string, Float32Array | undefined> {
  const width = Math.max(...rows.map(({ completionIds }) => completionIds.length));
  const { value, grads } = tf.variableGrads(
    () => tf.tidy(() => tf.sum(policy.logProbs(rows, { width }).logProbs) as tf.Scalar),
    policy.parameters.map(({ variable }) => variable),
  );
  const out = new Map(
    policy.parameters.map(({ name, variable }) => [name, grads[variable.name]?.dataSync<"float32">().slice()] as const),
  );
  tf.dispose([value, grads]);
  return out;
}

async function withPolicy<T>(folder: string, options: VlmOptions, use: (policy: VlmPolicy) => T): Promise<Awaited<T>> {
  const policy = await loadVlm(folder, options);
  try {
    return await use(policy);
  } finally {
    policy.dispose();
  }
}

/** Every tensor gets a gradient, and a frozen group takes exactly its own tensors out. */
async function checkGroups(folder: string, rows: readonly TokenizedRollout[]): Promise<string[]> {
  const problems: string[] = [];
  const whole = await withPolicy(folder, {}, (policy) => {
    const groups = new Map(policy.parameters.map(({ name, group }) => [name, group]));
    for (const group of GROUPS)
      if (![...groups.values()].includes(group)) problems.push(`no tensor belongs to the group ${group}`);
    for (const [name, gradient] of gradientsOf(policy, rows))
      if (!gradient?.some((value) => value !== 0)) problems.push(`${name}: gets no gradient`);
    return groups;
  });
  for (const frozen of GROUPS) {
    const left = await withPolicy(folder, { freeze: [frozen] }, (policy) => policy.parameters.map(({ name }) => name));
    const expected = [...whole].filter(([, group]) => group !== frozen).map(([name]) => name);
    if (left.join() !== expected.join())
      problems.push(`freezing ${frozen} trains other tensors than those of the rest`);
  }
  return problems;
}

/**
 * Prompts shared or not, checkpointed or not, tower frozen or not, in this thread or another: the numbers are the same.
 */
async function checkVariants(folder: string, rows: readonly TokenizedRollout[]): Promise<string[]> {
  const problems: string[] = [];
  const same = (what: string, a: Float32Array, b: Float32Array): void => {
    const { error } = largestDifference(a, b);
    if (!(error <= SAME)) problems.push(`${what}: log-probabilities differ by ${error}`);
  };
  const sameGradients = (what: string, a: ReturnType<typeof gradientsOf>, b: ReturnType<typeof gradientsOf>): void => {
    for (const [name, gradient] of b) {
      const error = relativeL2(gradient ?? new Float32Array(1), a.get(name) ?? new Float32Array(1));
      // Biases of keys have gradients that cancel to nothing but rounding.
      const size = Math.hypot(...(gradient ?? []));
      if (!(error <= GRADIENTS || size < 1e-3)) problems.push(`${what}: the gradient of ${name} differs by ${error}`);
    }
  };
  const plain = await withPolicy(folder, {}, (policy) => {
    const values = logProbsOf(policy, rows);
    const apart = rows.map((row, group) => ({ ...row, group }));
    same("rows that share no prompt", values, logProbsOf(policy, apart));
    const replica = createReplica(structuredClone(policy.snapshot()));
    same("a replica", values, logProbsOf(replica, rows));
    replica.dispose();
    return { values, gradients: gradientsOf(policy, rows) };
  });
  for (const gradientCheckpointing of [true, "mlp"] as const)
    await withPolicy(folder, { gradientCheckpointing }, (policy) =>
      sameGradients(`gradient checkpointing ${gradientCheckpointing}`, plain.gradients, gradientsOf(policy, rows)),
    );
  await withPolicy(folder, { freeze: ["vision", "connector"] }, (policy) => {
    same("a frozen tower", plain.values, logProbsOf(policy, rows));
    same("remembered pictures", plain.values, logProbsOf(policy, rows));
    sameGradients("a frozen tower", plain.gradients, gradientsOf(policy, rows));
  });
  return problems;
}

/** What is saved is what was loaded, under the names of the folder. */
async function checkStorage(folder: string, scratch: string, rows: readonly TokenizedRollout[]): Promise<string[]> {
  const saved = join(scratch, "saved");
  const before = await withPolicy(folder, {}, async (policy) => {
    await policy.save(saved);
    return logProbsOf(policy, rows);
  });
  const after = await withPolicy(saved, {}, (policy) => logProbsOf(policy, rows));
  const [from, to] = [openSafetensors(folder), openSafetensors(saved)];
  try {
    const problems = from.names.toSorted().join() === to.names.toSorted().join() ? [] : ["saved under other names"];
    if (largestDifference(before, after).error > 0) problems.push("saved weights give other log-probabilities");
    return problems;
  } finally {
    from.close();
    to.close();
  }
}

/** An adapter on every linear layer of the blocks: it trains alone, and comes back from its files, apart and merged. */
async function checkAdapter(folder: string, scratch: string, rows: readonly TokenizedRollout[]): Promise<string[]> {
  const problems: string[] = [];
  const [apart, merged] = [join(scratch, "adapter"), join(scratch, "merged")];
  const targetModules = ".*(layers|blocks)\\.\\d+\\..*";
  const trained = await withPolicy(folder, { adapter: { rank: 2, targetModules, seed: 1 } }, async (policy) => {
    for (const group of ["vision", "language"] as const)
      if (!policy.parameters.some((parameter) => parameter.group === group))
        problems.push(`an adapter on all blocks has no matrix in the group ${group}`);
    for (const { variable } of policy.parameters) tf.tidy(() => variable.assign(tf.add(variable, 0.01)));
    for (const [name, gradient] of gradientsOf(policy, rows))
      if (!gradient?.some((value) => value !== 0)) problems.push(`${name}: gets no gradient`);
    await policy.save(apart);
    await policy.save(merged, { adapter: "merged" });
    return logProbsOf(policy, rows);
  });
  const again = await withPolicy(folder, { adapter: { folder: apart } }, (policy) => logProbsOf(policy, rows));
  if (largestDifference(trained, again).error > 0) problems.push("a stored adapter gives other log-probabilities");
  const whole = await withPolicy(merged, {}, (policy) => logProbsOf(policy, rows));
  const { error } = largestDifference(trained, whole);
  if (!(error <= GRADIENTS)) problems.push(`a merged adapter: log-probabilities differ by ${error}`);
  return problems;
}

/** What is sampled has the log-probabilities that training computes, and nothing is left over. */
async function checkSampling(folder: string, rows: readonly TokenizedRollout[], repeats: number): Promise<string[]> {
  return withPolicy(folder, {}, async (policy) => {
    const problems: string[] = [];
    const { imageTokenId, videoTokenId } = policy.config;
    const prompts: PromptInput[] = rows.filter((_, i) => i % 2 === 0);
    const sample = async (maxNewTokens: number): Promise<{ row: TokenizedRollout; logProbs: Float32Array }[]> => {
      const sampling = { n: 2, temperature: 1, maxNewTokens, seed: 3, stopTokenIds: [] };
      const out = [];
      for await (const { promptIndex, tokenIds, logProbs } of policy.generate(prompts, {
        ...sampling,
        bannedTokenIds: [imageTokenId, videoTokenId],
      }))
        out.push({ row: { ...prompts[promptIndex]!, completionIds: tokenIds }, logProbs });
      return out;
    };
    const sampled = await sample(40);
    const expected = logProbsOf(
      policy,
      sampled.map(({ row }) => row),
    );
    const found = Float32Array.from(sampled.flatMap(({ logProbs }) => [...logProbs]));
    const { error } = largestDifference(found, expected);
    if (!(error <= GRADIENTS)) problems.push(`sampled tokens: log-probabilities differ by ${error} from logProbs`);
    let tensors = 0;
    for (let i = 0; i <= repeats; i++) {
      if (i === 1) tensors = tf.memory().numTensors;
      gradientsOf(policy, rows.slice(0, 2));
      await sample(2);
    }
    const left = tf.memory().numTensors - tensors;
    if (left !== 0) problems.push(`${left} tensors are left over after ${repeats} steps and generations`);
    return problems;
  });
}
