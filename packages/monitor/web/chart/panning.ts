/** Moving the stretch of steps that is shown: shift and drag, shift and wheel, or a sideways wheel. */
import type uPlot from "uplot";
import { movedStretch, type Stretch } from "./lines";

/** Milliseconds without movement before a stretch is loaded in full. */
const SETTLED = 200;

/**
 * @param view the stretch that is shown, null for all steps; it moves at once
 * @param onRange called when the stretch has come to rest
 * @returns a function that stops following
 */
export function followPanning(
  plot: uPlot,
  view: { current: Stretch | null },
  onRange: (range: Stretch) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let grabbed: number | undefined;
  const move = (pixels: number): void => {
    if (view.current === null) return;
    const steps = (pixels / plot.over.clientWidth) * (view.current[1] - view.current[0]);
    const all = plot.data[0];
    view.current = movedStretch(view.current, steps, [all[0]!, all.at(-1)!]);
    plot.setScale("x", { min: view.current[0], max: view.current[1] });
    clearTimeout(timer);
    timer = setTimeout(
      () => view.current !== null && onRange([Math.round(view.current[0]), Math.round(view.current[1])]),
      SETTLED,
    );
  };
  const down = (event: MouseEvent): void => {
    if (!event.shiftKey || view.current === null) return;
    grabbed = event.clientX;
    event.preventDefault();
  };
  const drag = (event: MouseEvent): void => {
    if (grabbed === undefined) return;
    move(grabbed - event.clientX);
    grabbed = event.clientX;
  };
  const up = (): void => void (grabbed = undefined);
  const wheel = (event: WheelEvent): void => {
    const sideways = event.deltaX !== 0 ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (sideways === 0 || view.current === null) return;
    event.preventDefault();
    move(sideways);
  };
  plot.over.addEventListener("mousedown", down);
  plot.over.addEventListener("wheel", wheel, { passive: false });
  addEventListener("mousemove", drag);
  addEventListener("mouseup", up);
  return () => {
    clearTimeout(timer);
    removeEventListener("mousemove", drag);
    removeEventListener("mouseup", up);
  };
}
