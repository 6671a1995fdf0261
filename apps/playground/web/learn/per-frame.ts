/**
 * Hands values on once per frame of the page, all that have come since: what comes faster than the page is drawn costs
 * one drawing. A page that nobody sees has no frames and gets each at once.
 */
export function perFrame<Value>(apply: (values: readonly Value[]) => void): (value: Value) => void {
  let waiting: Value[] = [];
  const hand = (): void => {
    const values = waiting;
    waiting = [];
    if (values.length > 0) apply(values);
  };
  return (value) => {
    waiting.push(value);
    if (document.hidden) hand();
    else if (waiting.length === 1) requestAnimationFrame(hand);
  };
}
