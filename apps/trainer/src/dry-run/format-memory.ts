/** The estimate of memory as lines for people. */
import { wrapText } from "@v-triune/errors";
import { type ClientMemory, type MemoryEstimate, fitsMemory } from "@v-triune/training";

/** `3.2 GB`; GB as 10^9 bytes, as machines are sold. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0.1, bytes / 1e6).toFixed(1)} MB`;
}

/**
 * The estimate as lines, and what to lower when it does not fit.
 *
 * @param available bytes of the machine
 */
export function formatMemory(estimate: MemoryEstimate, available: number): string {
  const {
    parameters,
    trained,
    weights,
    reference,
    teacher,
    gradients,
    moments,
    activations,
    passing,
    decoding,
    threads,
    total,
  } = estimate;
  const count = (value: number): string => value.toLocaleString("en-US");
  const again = { false: "", mlp: ", with gradient checkpointing of MLPs", true: ", with gradient checkpointing" };
  const keys = `(update.microBatchTokens${again[`${estimate.gradientCheckpointing}`]})`;
  const lines = [
    `Memory, about ${formatBytes(total)} of ${formatBytes(available)}`,
    `  weights             ${formatBytes(weights)}  (${count(parameters)} parameters)`,
    ...(reference > 0 ? [`  reference model     ${formatBytes(reference)}  (algorithm.kl)`] : []),
    ...(teacher > 0 ? [`  teacher             ${formatBytes(teacher)}  (algorithm.distillation)`] : []),
    `  gradients, moments  ${formatBytes(gradients + moments)}  (${count(trained)} trained)`,
    `  activations         ${formatBytes(activations)}  ${keys}`,
    `  logits, process     ${formatBytes(passing)}`,
    ...(threads > 0 ? [`  threads             ${formatBytes(threads)}  (workers)`] : []),
    ...(decoding > 0 ? [`  or, generating      ${formatBytes(decoding)}  (rollout.decodeWith)`] : []),
  ];
  if (!fitsMemory(estimate, available)) {
    const advice = [
      ...(activations > total / 8 ? ["lower update.microBatchTokens: the result stays the same"] : []),
      ...(threads > total / 4 ? ["workers: 1: less memory, more time"] : []),
      ...(activations > total / 4 && estimate.gradientCheckpointing !== true
        ? ["update: {gradientCheckpointing: auto}: the same numbers in a third more time"]
        : []),
      ...(decoding > total / 4
        ? ["lower rollout.maxNewTokens, or rollout: {decodeWith: backend}, which is slower"]
        : []),
      ...(estimate.savedByBfloat16 > total / 8
        ? ["model: {path: .., dtype: bfloat16}: what is not trained takes half"]
        : []),
      ...(gradients + moments > total / 4 ? ["train an adapter: model: {path: .., adapter: {rank: 16}}"] : []),
      ...(reference > 0 ? ["leave algorithm.kl.coefficient at 0: no reference model"] : []),
      ...(teacher > total / 8 ? ["put the teacher on a server: algorithm.distillation.teacher: {kind, url}"] : []),
      "or take a smaller model",
    ];
    lines.push("This will hardly fit. What helps:", ...advice.map((text) => `  ${text}`));
  }
  return lines.join("\n");
}

/** The same for a run whose model lies on a training server. */
export function formatClientMemory(estimate: ClientMemory, available: number, url: string): string {
  const { process, rows, pictures, total } = estimate;
  return [
    wrapText(
      `Memory of this process, about ${formatBytes(total)} of ${formatBytes(available)}; the model's is that of ${url}`,
      80,
      2,
    ),
    `  process             ${formatBytes(process)}`,
    `  rows                ${formatBytes(rows)}  (of a step)`,
    ...(pictures > 0 ? [`  pictures            ${formatBytes(pictures)}  (of a step and the next)`] : []),
    ...(fitsMemory(estimate, available)
      ? []
      : ["This will hardly fit. What helps:", "  lower rollout.promptsPerStep, or make the pictures smaller"]),
  ].join("\n");
}
