/**
 * Trained tensors in memory that threads share: the weights that all of them compute with, and the sum of their
 * gradients.
 *
 * Gradients are added by turns, micro-batch after micro-batch in the order of the plan, whoever computed them. The sum
 * is so the one a single thread gets, to the bit: float32 additions in JavaScript round as the backend's do.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Gradients, PolicyParameter } from "@v-triune/grpo";

type Parameters = readonly Pick<PolicyParameter, "name" | "variable">[];

/** What a thread is handed. */
export interface SharedTensorsMemory {
  readonly values: SharedArrayBuffer;
  readonly state: SharedArrayBuffer;
}

function views(parameters: Parameters, values: SharedArrayBuffer): Float32Array[] {
  let offset = 0;
  return parameters.map(({ variable }) => {
    const view = new Float32Array(values, offset, variable.size);
    offset += 4 * variable.size;
    return view;
  });
}

function allocate(parameters: Parameters, stateEntries: number): SharedTensorsMemory {
  const size = parameters.reduce((sum, { variable }) => sum + variable.size, 0);
  return { values: new SharedArrayBuffer(4 * size), state: new SharedArrayBuffer(4 * stateEntries) };
}

/**
 * Weights under a version. Written by one thread while no other reads; the version proves that nobody computes with
 * others.
 */
export class SharedWeights {
  readonly #views: readonly Float32Array[];
  readonly #version: Int32Array;

  constructor(
    readonly parameters: Parameters,
    readonly memory: SharedTensorsMemory = allocate(parameters, 1),
  ) {
    this.#views = views(parameters, memory.values);
    this.#version = new Int32Array(memory.state);
  }

  /** Puts the variables' present values there. */
  publish(version: number): void {
    Atomics.store(this.#version, 0, -1);
    this.parameters.forEach(({ variable }, i) => this.#views[i]!.set(variable.dataSync() as Float32Array));
    Atomics.store(this.#version, 0, version);
  }

  /** Sets the variables to what was published. @throws Error unless that is this version */
  load(version: number): void {
    this.#check(version);
    this.parameters.forEach(({ variable }, i) => {
      // A copy: some backends keep the array they are given.
      const tensor = tf.tensor(new Float32Array(this.#views[i]!), variable.shape);
      variable.assign(tensor);
      tensor.dispose();
    });
    this.#check(version);
  }

  #check(version: number): void {
    const found = Atomics.load(this.#version, 0);
    if (found !== version)
      throw new Error(
        `a thread was to compute with the weights of update ${version}, but those of update ${found} are there`,
      );
  }
}

const TURN = 0;
const FAILED = 1;
const FIRST_FLAG = 2;
const NOTHING_FAILED = 0x7fffffff;

/** A sum of gradients that threads add to by turns. */
export class SharedGradients {
  readonly #views: readonly Float32Array[];
  /** Whose turn it is, the first micro-batch that failed, and whether each tensor has a gradient at all. */
  readonly #state: Int32Array;

  constructor(
    readonly parameters: Parameters,
    readonly memory: SharedTensorsMemory = allocate(parameters, FIRST_FLAG + parameters.length),
  ) {
    this.#views = views(parameters, memory.values);
    this.#state = new Int32Array(memory.state);
  }

  /** Empties the sum; the first turn is micro-batch 0's. */
  begin(): void {
    this.#state.fill(0);
    Atomics.store(this.#state, FAILED, NOTHING_FAILED);
  }

  /** Whether this micro-batch, or one before it, has failed, so that its gradients are not wanted. */
  isCanceled(index: number): boolean {
    return Atomics.load(this.#state, FAILED) <= index;
  }

  isTurn(index: number): boolean {
    return Atomics.load(this.#state, TURN) === index;
  }

  /** Sleeps until it is the micro-batch's turn; false when that will not come. Not for the main thread. */
  waitForTurn(index: number): boolean {
    for (;;) {
      if (this.isCanceled(index)) return false;
      const turn = Atomics.load(this.#state, TURN);
      if (turn === index) return true;
      // A failure wakes as well; the limit covers one that comes between the look and the sleep.
      Atomics.wait(this.#state, TURN, turn, 100);
    }
  }

  /** Adds a micro-batch's gradients and passes the turn on; they stay the caller's. */
  add(index: number, gradients: Gradients): void {
    this.parameters.forEach(({ name }, i) => {
      const gradient = gradients.get(name);
      if (!gradient) return;
      const values = gradient.dataSync() as Float32Array;
      const sum = this.#views[i]!;
      if (this.#state[FIRST_FLAG + i] === 0) sum.set(values);
      else for (let k = 0; k < sum.length; k++) sum[k]! += values[k]!;
      this.#state[FIRST_FLAG + i] = 1;
    });
    Atomics.store(this.#state, TURN, index + 1);
    Atomics.notify(this.#state, TURN);
  }

  /** Calls off this micro-batch and those after it; those before it go on. */
  fail(index: number): void {
    for (;;) {
      const before = Atomics.load(this.#state, FAILED);
      if (before <= index || Atomics.compareExchange(this.#state, FAILED, before, index) === before) break;
    }
    Atomics.notify(this.#state, TURN);
  }

  /** The sum as tensors of this thread's backend. */
  tensors(): Gradients {
    return new Map(
      this.parameters.flatMap(({ name, variable }, i) =>
        this.#state[FIRST_FLAG + i] === 0
          ? []
          : [[name, tf.tensor(new Float32Array(this.#views[i]!), variable.shape)] as const],
      ),
    );
  }
}
