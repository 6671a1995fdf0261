/** A line without axes, 100 × 28, with its last point marked. */
export function Sparkline({
  steps,
  values,
  tone,
}: {
  steps: readonly number[];
  values: readonly (number | null)[];
  tone: "plain" | "bad" | "good";
}) {
  const points = steps.flatMap((step, index) => {
    const value = values[index];
    return value === null || value === undefined ? [] : [{ step, value }];
  });
  const last = points.at(-1);
  if (last === undefined) return <svg class="sparkline" viewBox="0 0 100 28" aria-hidden="true" />;
  const low = points.reduce((least, { value }) => Math.min(least, value), Infinity);
  const high = points.reduce((most, { value }) => Math.max(most, value), -Infinity);
  const first = points[0]!.step;
  const x = (step: number): number => (last.step === first ? 97 : 2 + (95 * (step - first)) / (last.step - first));
  const y = (value: number): number => (high === low ? 14 : 25 - (22 * (value - low)) / (high - low));
  return (
    <svg class={`sparkline ${tone}`} viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} />
      <circle cx={x(last.step)} cy={y(last.value)} r="2" />
    </svg>
  );
}
