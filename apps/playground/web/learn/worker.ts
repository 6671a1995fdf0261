/** Trains in a worker, so that the page stays smooth; see protocol.ts for what is said. */
import { openWasm } from "@v-triune/backend/browser";
import { demoRecipe, pictureSize } from "@v-triune/demo-tasks/questions";
import { rolloutBoxes } from "@v-triune/monitor/browser";
import { createProcessorFrom, filesInMemory, loadVlmFrom } from "@v-triune/policy/browser";
import {
  frozenGroups,
  type MemorySample,
  openTrainingInMemory,
  resolveTrainingConfig,
  type StoredRollout,
} from "@v-triune/training/browser";
import wasm from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import { heldOutSamples, sampleOfDrawing, samplesOf, sourcesOf, trainingSamples } from "./drawn-samples";
import { fetchModel } from "./model-files";
import { describedRun } from "./described-run";
import { pngAddress, pngOf } from "./png";
import { FOLDER_PATHS } from "./run-folder/folder-paths";
import { OWN_SOURCE } from "./settings";
import type { Command, Drawing, Kept, Moment, Report, RunSettings, ShownAnswer } from "./protocol";

const say = (report: Report): void => postMessage(report);

/** Whether the run waits between two steps, how many it may still make, and whether somebody asked for a checkpoint. */
class Gate {
  #open = false;
  #allowed = 0;
  #wantsCheckpoint = false;
  #wake: (() => void) | undefined;

  set(isOpen: boolean): void {
    this.#open = isOpen;
    if (isOpen) this.#wake?.();
  }

  allowOne(): void {
    this.#allowed++;
    this.#wake?.();
  }

  askCheckpoint(): void {
    this.#wantsCheckpoint = true;
    this.#wake?.();
  }

  /** Makes the checkpoint that was asked for, if one was. */
  async saveIfAsked(save: () => Promise<void>): Promise<void> {
    if (!this.#wantsCheckpoint) return;
    this.#wantsCheckpoint = false;
    await save();
  }

  /** Waits for the next step, and makes checkpoints that are asked for until then. */
  async pass(save: () => Promise<void>): Promise<void> {
    await this.saveIfAsked(save);
    while (!this.#open && this.#allowed === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      await this.saveIfAsked(save);
    }
    if (!this.#open) this.#allowed--;
  }
}

/** What is asked of a run that is over. */
interface Trained {
  ask(drawing: Drawing): Promise<void>;
  save(): Promise<void>;
}

async function train(settings: RunSettings, gate: Gate, keep: (kept: Kept) => void): Promise<Trained> {
  const { seed, steps, heldOut } = settings;
  const started = performance.now();
  const loading = (what: string, share: number): void => say({ type: "loading", what, share });
  loading("the model", 0);
  const [model] = await Promise.all([fetchModel((share) => loading("the model", share)), openWasm(wasm)]);
  const files = filesInMemory(model, "the model of this page");
  const config = resolveTrainingConfig({
    ...demoRecipe,
    model: FOLDER_PATHS.model,
    data: { train: FOLDER_PATHS.train, eval: FOLDER_PATHS.eval },
    run: { name: "playground", seed, steps },
    evaluation: { every: null, samplesPerSource: heldOut },
    backend: "wasm",
  });
  keep({ type: "described", settings, description: describedRun(config) });
  const policy = loadVlmFrom(files, { freeze: frozenGroups(config) });
  const processor = createProcessorFrom(files, {}, policy.config);
  loading("pictures", 0);
  const held = heldOutSamples(settings);
  const sources = sourcesOf(settings);
  const run = openTrainingInMemory({
    config,
    policy,
    processor,
    length: samplesOf(settings),
    sampleAt: trainingSamples(settings),
    sources,
  });
  const evaluate = async (moment: Moment): Promise<void> => {
    const { scores, records, answers } = await run.evaluate(held, {
      onProgress: (done, total) => say({ type: "evaluating", moment, done, total }),
    });
    keep({ type: "numbers", step: run.step, records, rollouts: [], samples: [] });
    const shown = sources.flatMap((name) => answers.find(({ sample }) => sample.data_source === name) ?? []);
    say({
      type: "evaluated",
      moment,
      scores,
      answers: shown.map(({ rollout, ...sample }) => shownAnswer(sample, rollout)),
    });
  };
  const save = (): Promise<void> =>
    run.checkpoint(model).then(
      (checkpoint) => keep({ type: "saved", step: run.step, checkpoint, model }),
      (error: Error) => say({ type: "unsaved", message: error.message }),
    );
  await evaluate("before");
  while (run.step < steps) {
    await gate.pass(save);
    const { summary, records, rollouts, samples } = await run.next();
    const bySource = new Map<string, ShownAnswer>();
    for (const rollout of rollouts.filter(({ sample }) => sample === 0))
      if (!bySource.has(rollout.dataSource))
        bySource.set(rollout.dataSource, shownAnswer(samples[rollout.group]!, rollout));
    const answers = SHOWN_FIRST.flatMap((name) => bySource.get(name) ?? []).slice(0, 4);
    say({ type: "step", summary, answers });
    keep({ type: "numbers", step: summary.step, records, rollouts, samples });
  }
  await evaluate("after");
  say({ type: "finished", seconds: (performance.now() - started) / 1000 });
  return {
    save,
    async ask(drawing) {
      const { answers } = await run.evaluate([sampleOfDrawing(drawing)]);
      for (const { rollout, ...sample } of answers) say({ type: "answered", answer: shownAnswer(sample, rollout) });
    },
  };
}

/** Sources whose answers show most in a picture. */
const SHOWN_FIRST = [
  OWN_SOURCE,
  "demo_detect",
  "demo_ground",
  "demo_read",
  "demo_count",
  "demo_chart",
  "demo_sum",
  "demo_puzzle",
];

function shownAnswer(shown: MemorySample, rollout: StoredRollout): ShownAnswer {
  const { sample } = shown;
  const [height, width] = rollout.imageSizes[0] ?? [0, 0];
  return {
    source: rollout.dataSource,
    question: sample.prompt.map(({ content }) => content.replace("<image>", "")).join("\n"),
    response: rollout.response,
    gold: sample.reward_model.answer ?? rollout.groundTruth,
    accuracy: rollout.accuracy,
    reward: rollout.reward,
    picture: { width: pictureSize, height: pictureSize, source: pngAddress(pngOf(shown)) },
    boxes: rolloutBoxes(rollout.response, rollout.groundTruth, { width, height, convention: "resized-pixels" }),
  };
}

const tellTo =
  (port: MessagePort) =>
  (kept: Kept): void =>
    port.postMessage(kept);

/** Commands go to the run that the first of them starts; the page makes a new worker for another run. */
function obey(gate: Gate): void {
  let trained: ReturnType<typeof train> | undefined;
  const tell = (error: unknown): void =>
    say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  addEventListener("message", ({ data }: MessageEvent<Command>) => {
    switch (data.type) {
      case "start":
        gate.set(!data.paused);
        trained = train(data.settings, gate, tellTo(data.keeper));
        trained.catch(tell);
        return;
      case "step":
        gate.allowOne();
        return;
      case "ask":
        trained?.then(({ ask }) => ask(data.drawing)).catch(tell);
        return;
      case "save":
        gate.askCheckpoint();
        // After the last step nothing passes the gate.
        trained?.then(({ save }) => gate.saveIfAsked(save)).catch(tell);
        return;
      default:
        gate.set(data.type === "resume");
    }
  });
}

obey(new Gate());
