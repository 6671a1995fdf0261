/** Rows of one pass as requests of a bearable size, and their replies as one. */
import type { LossOutputs, PassOutput, WireDatum } from "./wire";

export interface ChunkLimits {
  /** Most rows of a request. Default 1024. */
  readonly rows?: number;
  /** Most bytes of a request, estimated. Default 5,000,000. */
  readonly bytes?: number;
}

/**
 * Cuts rows in order. A row above the limit goes alone.
 *
 * @throws RangeError for limits below 1
 */
export function chunkRows(data: readonly WireDatum[], { rows = 1024, bytes = 5e6 }: ChunkLimits = {}): WireDatum[][] {
  for (const [name, limit] of Object.entries({ rows, bytes }))
    if (!(limit >= 1)) throw new RangeError(`chunkRows: ${name} is ${limit}, expected 1 or more`);
  const chunks: WireDatum[][] = [];
  let size = 0;
  for (const datum of data) {
    const own = estimatedBytes(datum);
    const last = chunks.at(-1);
    if (last && last.length < rows && size + own <= bytes) {
      last.push(datum);
      size += own;
    } else {
      chunks.push([datum]);
      size = own;
    }
  }
  return chunks;
}

function estimatedBytes({ model_input, loss_fn_inputs }: WireDatum): number {
  const input = model_input.chunks.reduce(
    (sum, chunk) => sum + (chunk.type === "encoded_text" ? chunk.tokens.length * 7 : chunk.data.length),
    0,
  );
  return Object.values(loss_fn_inputs).reduce((sum, { data }) => sum + data.length * 12, input);
}

/**
 * One result of several: outputs in order, metrics reduced as their names end: `:sum`, `:min`, `:max`, and `:mean` over
 * rows. Other names keep the last reply's number.
 */
export function joinOutputs(outputs: readonly PassOutput[]): PassOutput {
  if (outputs.length === 1) return outputs[0]!;
  const loss_fn_outputs: LossOutputs[] = outputs.flatMap((output) => output.loss_fn_outputs);
  const metrics: Record<string, number> = {};
  for (const name of new Set(outputs.flatMap((output) => Object.keys(output.metrics)))) {
    const holders = outputs.filter((output) => output.metrics[name] !== undefined);
    const values = holders.map((output) => output.metrics[name]!);
    const rows = holders.map((output) => output.loss_fn_outputs.length);
    const total = rows.reduce((a, b) => a + b, 0);
    const reduction = name.slice(name.lastIndexOf(":") + 1);
    if (reduction === "sum") metrics[name] = values.reduce((a, b) => a + b, 0);
    else if (reduction === "min") metrics[name] = Math.min(...values);
    else if (reduction === "max") metrics[name] = Math.max(...values);
    else if (reduction === "mean" && total > 0)
      metrics[name] = values.reduce((sum, value, i) => sum + value * rows[i]!, 0) / total;
    else metrics[name] = values.at(-1)!;
  }
  return { loss_fn_outputs, metrics };
}
