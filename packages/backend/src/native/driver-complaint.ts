/** The line of TensorFlow's start-up messages that says why it does not use the GPU. */
export function driverComplaint(log: string): string | undefined {
  const line = log
    .split("\n")
    .find((text) =>
      /cuInit|CUDA driver version|Could not find cuda|Cannot dlopen|Could not load dynamic|no CUDA-capable|libcuda/i.test(
        text,
      ),
    );
  return line?.replace(/^\S+ [\d:. ]+\s*\d+ /, "").trim();
}
