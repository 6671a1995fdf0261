/** Seconds so far, by the clock or of processor time. */
export type Clock = () => number;

export const wallClock: Clock = () => performance.now() / 1000;
