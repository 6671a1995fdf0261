/** Keeps a run in a worker: answers the dashboard, and makes the run folder. */
import { RunInMemory, runDescription, type SampleInMemory } from "@v-triune/monitor/browser";
import { ChangeListeners, memoryBackend } from "../../../../packages/monitor/web/memory-backend";
import { answerMessages } from "../../../../packages/monitor/web/message-backend";
import { allTrainingSamples, heldOutSamples } from "./drawn-samples";
import { pngAddress, pngOf } from "./png";
import type { KeeperCommand, KeeperReport, Kept, RunSettings } from "./protocol";
import { RunFolder } from "./run-folder/run-folder";

/** What the dashboard calls the run. */
const RUN = "playground";

class KeptRun {
  readonly #run: RunInMemory;
  readonly #folder: RunFolder;
  readonly #settings: RunSettings;
  readonly #changes = new ChangeListeners();
  /** By the id of their rollouts; pictures as PNG. */
  readonly #samples = new Map<string, { readonly reward: unknown; readonly png: Uint8Array }>();

  constructor({ description, settings }: Extract<Kept, { type: "described" }>) {
    this.#settings = settings;
    this.#folder = new RunFolder(description);
    this.#run = new RunInMemory({
      id: RUN,
      description: runDescription(description),
      sampleOf: (id) => this.#sampleOf(id),
    });
  }

  #sampleOf(id: string): SampleInMemory | undefined {
    const sample = this.#samples.get(id);
    return sample && { reward: sample.reward, pictures: [pngAddress(sample.png)] };
  }

  add({ records, rollouts, samples, step }: Extract<Kept, { type: "numbers" }>): void {
    for (const [group, sample] of samples.entries()) {
      const id = rollouts.find((rollout) => rollout.group === group)?.id;
      if (id !== undefined) this.#samples.set(id, { reward: sample.sample.reward_model, png: pngOf(sample) });
    }
    if (rollouts.length > 0) {
      this.#folder.writeRollouts(step, rollouts);
      this.#run.writeRollouts(step, rollouts, () => this.#folder.rollouts(step));
    }
    this.#run.write(records);
    this.#folder.write(records);
    const { step: done, steps } = this.#run.summary();
    if (done === steps) this.#run.state = "finished";
    this.#changes.tell();
  }

  /** The run folder as a ZIP archive. */
  folder({ step, checkpoint, model }: Extract<Kept, { type: "saved" }>): KeeperReport {
    const name = `playground-seed-${this.#settings.seed}`;
    const parts = {
      step,
      checkpoint,
      model,
      train: allTrainingSamples(this.#settings),
      heldOut: heldOutSamples(this.#settings),
    };
    return { type: "folder", name, step, zip: new Blob([this.#folder.zip(name, parts)], { type: "application/zip" }) };
  }

  metrics(): KeeperReport {
    return { type: "metrics", file: new Blob([this.#folder.metrics()]) };
  }

  answer(port: MessagePort): void {
    answerMessages(port, memoryBackend(this.#run, this.#changes));
  }
}

const say = (report: KeeperReport): void => postMessage(report);

function keep(): void {
  let run: KeptRun | undefined;
  const waiting: MessagePort[] = [];
  const take = (kept: Kept): void => {
    if (kept.type === "numbers") return run?.add(kept);
    if (kept.type === "saved") return run && say(run.folder(kept));
    run = new KeptRun(kept);
    for (const port of waiting.splice(0)) run.answer(port);
  };
  addEventListener("message", ({ data }: MessageEvent<KeeperCommand>) => {
    if (data.type === "dashboard") {
      if (run) run.answer(data.port);
      else waiting.push(data.port);
      return;
    }
    if (data.type === "metrics") {
      if (run) say(run.metrics());
      return;
    }
    data.port.addEventListener("message", (event: MessageEvent<Kept>) => take(event.data));
    data.port.start();
  });
}

keep();
