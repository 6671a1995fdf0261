/** Raised where the reference raises: the whole comparison is then false, whatever else might have matched. */
export const INCOMPARABLE = new Error("incomparable");
