import { useContext, useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { DarkContext } from "../shell";

const HEIGHT = 220;

/** The mean reward over the steps of a run, the axis as long as the run will be. */
export function RewardChart({ rewards, steps }: { rewards: readonly number[]; steps: number }) {
  const dark = useContext(DarkContext);
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = (): uPlot.AlignedData => [rewards.map((_, index) => index + 1), [...rewards]];
  useEffect(() => {
    const element = holder.current!;
    const color = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line") }, ticks: { stroke: color("--line") } };
    const made = new uPlot(
      {
        width: element.clientWidth || 320,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [1, Math.max(2, steps)] }, y: { range: [0, 1] } },
        axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] }, axis],
        series: [{}, { stroke: color("--accent"), width: 2, points: { show: false } }],
      },
      data(),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [steps, dark]);
  useEffect(() => plot.current?.setData(data()), [rewards.length]);
  const last = rewards.at(-1);
  const described = last === undefined ? "No step yet." : `${last.toFixed(3)} at step ${rewards.length}.`;
  return <div class="plot" ref={holder} role="img" aria-label={`Mean reward over steps. ${described}`} />;
}
