/** More files are no folder of a run or a corpus. */
export const MOST_FILES = 20_000;
