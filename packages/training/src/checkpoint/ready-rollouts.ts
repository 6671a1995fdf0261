/**
 * Rollouts that were made ahead (rollout.asyncLevel: 1), as part of a checkpoint: the weights that made them are gone
 * by then. `ready-rollouts.safetensors` has tokens and log-probabilities end to end, `ready-rollouts.jsonl` the rest, a
 * line a rollout after one for all. Prompts are drawn again from the data, which gives the same ones, and texts are
 * decoded again. Pictures that tools returned are PNG files in base64, from which the model's input is made again.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Processor, type VisualInput, openSafetensors, writeSafetensors } from "@v-triune/policy";
import type { PreparedPrompt, Rollout } from "@v-triune/rollouts";
import { type Conversation, maskOf } from "@v-triune/rollouts/tools";
import type { TrainingData } from "../data/run-data";
import type { StepRollouts } from "../sampling/step-rollouts";

const linesFile = "ready-rollouts.jsonl";
const tensorsFile = "ready-rollouts.safetensors";

/** The files' names; there are none in a checkpoint without such rollouts. */
export const READY_ROLLOUTS_FILES: readonly string[] = [linesFile, tensorsFile];

/** What is known of samples and thresholds is elsewhere in the checkpoint. */
type Head = Omit<StepRollouts, "collected" | "difficulty" | "iou"> & {
  readonly collected: Pick<StepRollouts["collected"], "seconds" | "rounds"> & { readonly dropped: readonly number[] };
};
type Line = Omit<
  Rollout,
  "prompt" | "completionIds" | "rolloutLogProbs" | "response" | "responseMask" | "observations"
> & {
  readonly tokens: number;
  readonly logProbs: boolean;
};

/** Writes the files into a checkpoint that is being made. */
export async function writeReadyRollouts(folder: string, ready: StepRollouts): Promise<void> {
  const { collected, difficulty: _, iou: __, ...rest } = ready;
  const { rollouts, seconds, dropped, rounds } = collected;
  const head: Head = { ...rest, collected: { seconds, dropped: [...dropped], rounds } };
  const lines = rollouts.map((rollout): Line => {
    const { prompt: _, response: __, responseMask: ___, observations: ____, ...rest } = rollout;
    const { completionIds, rolloutLogProbs, ...kept } = rest;
    return { ...kept, tokens: completionIds.length, logProbs: rolloutLogProbs !== undefined };
  });
  await writeFile(
    join(folder, linesFile),
    [head, ...lines].map((line) => `${JSON.stringify(line, bytesAsBase64)}\n`).join(""),
  );
  const total = rollouts.reduce((sum, { completionIds }) => sum + completionIds.length, 0);
  const tokens = new Int32Array(total);
  const logProbs = new Float32Array(total);
  let at = 0;
  for (const { completionIds, rolloutLogProbs } of rollouts) {
    tokens.set(completionIds, at);
    if (rolloutLogProbs) logProbs.set(rolloutLogProbs, at);
    at += completionIds.length;
  }
  await writeSafetensors(join(folder, tensorsFile), [
    { name: "tokens", shape: [total], dtype: "I32", data: tokens },
    { name: "log_probs", shape: [total], data: logProbs },
  ]);
}

/**
 * @param folder of a checkpoint that was found whole
 * @param data at the checkpoint's place; afterwards behind these rollouts
 */
export async function readReadyRollouts(
  folder: string,
  data: Pick<TrainingData, "place" | "next" | "observe">,
  processor: Pick<Processor, "decode" | "imageProcessor">,
): Promise<StepRollouts> {
  const [head, ...lines] = (await readFile(join(folder, linesFile), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line, base64AsBytes) as unknown) as [Head, ...Line[]];
  const { difficulty, iou } = data.place;
  const prompts: PreparedPrompt[] = [];
  for (const count of head.asked) prompts.push(...(await data.next(count)));
  const reader = openSafetensors(join(folder, tensorsFile));
  try {
    const tokens = reader.readInt32("tokens");
    const logProbs = reader.readFloat32("log_probs");
    let at = 0;
    const read = lines.map(async ({ tokens: count, logProbs: given, ...kept }): Promise<Rollout> => {
      const [from, until] = [at, (at += count)];
      const completionIds = Int32Array.from(tokens.slice(from, until));
      const prompt = prompts[kept.promptIndex];
      if (!prompt) throw new RangeError(`${folder} has a rollout of prompt ${kept.promptIndex} of ${prompts.length}`);
      const own = given ? { rolloutLogProbs: logProbs.slice(from, until) } : {};
      const { conversation } = kept;
      if (!conversation) {
        const response = processor.decode(completionIds, { skipSpecialTokens: true });
        return { ...kept, prompt, completionIds, response, ...own };
      }
      return {
        ...kept,
        prompt,
        completionIds,
        response: conversation.turns.at(-1)?.text ?? "",
        responseMask: maskOf(conversation),
        observations: await shownPictures(conversation, processor),
        ...own,
      };
    });
    const rollouts = await Promise.all(read);
    const { seconds, dropped, rounds } = head.collected;
    data.observe(rollouts);
    return {
      ...head,
      ...(difficulty === undefined ? {} : { difficulty }),
      ...(iou === undefined ? {} : { iou }),
      collected: { rollouts, seconds, dropped: new Set(dropped), rounds },
    };
  } finally {
    reader.close();
  }
}

/** The model's input of all pictures that were shown, as the conversation had it. */
function shownPictures(
  { turns }: Conversation,
  { imageProcessor }: Pick<Processor, "imageProcessor">,
): Promise<VisualInput[]> {
  const shown = turns.filter(({ shownTokens }) => shownTokens > 0);
  const pictures = shown.flatMap(({ calls }) => calls.flatMap((call) => call.pictures));
  return Promise.all(pictures.map(({ png }) => imageProcessor.process([png])));
}

function bytesAsBase64(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has been turned into something else by then.
  const given = (this as Record<string, unknown>)[key];
  return given instanceof Uint8Array ? { base64: Buffer.from(given).toString("base64") } : value;
}

function base64AsBytes(key: string, value: unknown): unknown {
  if (key !== "png") return value;
  return Uint8Array.from(Buffer.from((value as { readonly base64: string }).base64, "base64"));
}
