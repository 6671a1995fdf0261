/** Keeps a run's numbers, rollouts and samples in a worker, and answers the dashboard from them. */
import { RunInMemory, runDescription, type SampleInMemory } from "@v-triune/monitor/browser";
import { ChangeListeners, memoryBackend } from "../../../../packages/monitor/web/memory-backend";
import { answerMessages } from "../../../../packages/monitor/web/message-backend";
import { pngAddress, pngOf } from "./png";
import type { KeeperCommand, Kept } from "./protocol";

/** What the dashboard calls the run. */
const RUN = "playground";

class KeptRun {
  readonly #run: RunInMemory;
  readonly #changes = new ChangeListeners();
  /** By the id of their rollouts; pictures as PNG. */
  readonly #samples = new Map<string, { readonly reward: unknown; readonly png: Uint8Array }>();

  constructor(description: unknown) {
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
    if (rollouts.length > 0) this.#run.writeRollouts(step, rollouts);
    this.#run.write(records);
    const { step: done, steps } = this.#run.summary();
    if (done === steps) this.#run.state = "finished";
    this.#changes.tell();
  }

  answer(port: MessagePort): void {
    answerMessages(port, memoryBackend(this.#run, this.#changes));
  }
}

function keep(): void {
  let run: KeptRun | undefined;
  const waiting: MessagePort[] = [];
  const take = (kept: Kept): void => {
    if (kept.type === "numbers") return run?.add(kept);
    run = new KeptRun(kept.description);
    for (const port of waiting.splice(0)) run.answer(port);
  };
  addEventListener("message", ({ data }: MessageEvent<KeeperCommand>) => {
    if (data.type === "dashboard") {
      if (run) run.answer(data.port);
      else waiting.push(data.port);
      return;
    }
    data.port.addEventListener("message", (event: MessageEvent<Kept>) => take(event.data));
    data.port.start();
  });
}

keep();
