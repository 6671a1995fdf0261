/**
 * Opens the teacher of a distillation: another model with the same tokens and the same pictures, here or on a server, or
 * the policy itself.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "@v-triune/errors";
import type { ModelParameter, ParameterGroup } from "@v-triune/policy";
import { isRecord } from "@v-triune/node-kit/is-record";
import type { TrainingConfig } from "../config/training-config";
import type { Resources } from "../resources";
import { DISTILLATION_DEFAULTS } from "../config/default-config";
import { type ModelParts, SELF, loadModel, loadPolicy, processorFolder } from "../model/load-model";
import { type ServerTeacherOptions, openServerTeacher } from "./server-teacher";
import { type Teacher, createTeacher } from "../model/teacher";

/**
 * @param student the model that is trained; without `parameters` it lies on a server
 * @returns undefined if the configuration has no teacher
 * @throws ConfigError for a teacher that reads tokens or pictures otherwise, and what loading it throws
 */
export async function openTeacher(
  config: TrainingConfig,
  student: ModelParts & {
    readonly parameters: readonly ModelParameter[] | undefined;
    /** Groups that are not trained. */
    readonly freeze: readonly ParameterGroup[];
  },
  resources: Resources,
  events: Pick<ServerTeacherOptions, "signal" | "onPause" | "onResume">,
): Promise<Teacher | undefined> {
  const { model, run, algorithm, rollout, update } = config;
  // A run.json of an earlier version does not have the key.
  if (!algorithm.distillation) return undefined;
  const { teacher: path, picture, updateRate } = { ...DISTILLATION_DEFAULTS, ...algorithm.distillation };
  const { processor } = student;
  const settings = { processor, picture, temperature: rollout.temperature, microBatchTokens: update.microBatchTokens };
  const { divergence } = algorithm.distillation;
  const vocabulary = student.policy.config.text.vocabSize;
  if (divergence && divergence.topK > vocabulary)
    throw new ConfigError({
      what: "The model has fewer tokens than are compared.",
      where: "algorithm.distillation.divergence.topK",
      expected: `at most ${vocabulary}`,
      found: String(divergence.topK),
      fix: "lower it, or leave it out",
    });
  if (typeof path === "object")
    return openServerTeacher({ config: path, processor, topK: divergence?.topK ?? 0, ...events }, resources);
  if (path === SELF) {
    const weights = await resources.open(
      loadPolicy(model, run.seed, { freeze: student.freeze, computeWith: update.computeWith }),
      (opened) => opened.dispose(),
    );
    return createTeacher({
      ...settings,
      weights,
      follows: { parameters: student.parameters ?? [], rate: updateRate },
    });
  }
  const teacher = await resources.open(
    loadModel({ init: "pretrained", path, adapter: null, ...(model.dtype && { dtype: model.dtype }) }, run.seed, {
      freeze: ["vision", "connector", "language"],
      computeWith: update.computeWith,
    }),
    (opened) => opened.policy.dispose(),
  );
  if (!isDeepStrictEqual(tokensOf(path), tokensOf(processorFolder(model))))
    throw otherTeacher(path, "the tokens of the model that is trained", "another tokenizer.json");
  const pictures = [student, teacher].map(({ processor }) => {
    const { patchSize, mergeSize, temporalPatchSize, mean, std } = processor.imageProcessor.settings;
    return { imageTokenId: processor.imageTokenId, patchSize, mergeSize, temporalPatchSize, mean, std };
  });
  if (!isDeepStrictEqual(pictures[0], pictures[1]))
    throw otherTeacher(path, JSON.stringify(pictures[0]), JSON.stringify(pictures[1]));
  return createTeacher({ ...settings, weights: teacher.policy });
}

/** The number of each token, by its text. */
function tokensOf(folder: string): unknown {
  const file: unknown = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8"));
  if (!isRecord(file) || !isRecord(file["model"])) return file;
  const added = Array.isArray(file["added_tokens"])
    ? (file["added_tokens"] as { id: unknown; content: unknown }[])
    : [];
  return { vocabulary: file["model"]["vocab"], added: added.map(({ id, content }) => [id, content]) };
}

function otherTeacher(path: string, expected: string, found: string): ConfigError {
  return new ConfigError({
    what: "The teacher cannot say how likely it finds the tokens of the model that is trained.",
    where: `algorithm.distillation.teacher: ${path}`,
    expected,
    found,
    fix: "take a teacher of the same family",
  });
}
