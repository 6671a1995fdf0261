import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** An answer with what a careful person says of it. */
export interface LabeledAnswer {
  readonly verifier: string;
  readonly kind: string;
  readonly gold: string;
  readonly response: string;
  readonly right: number;
  readonly params?: Readonly<Record<string, unknown>> | null;
}

/** Rows of a table in the layout that `npm run parity` reads. */
const readTable = (path: string): readonly LabeledAnswer[] => JSON.parse(readFileSync(path, "utf8")) as LabeledAnswer[];

/** The tables of this package; labeled/README.md says how they came about. */
export const ownTable = (
  name: "tuned" | "held-out" | "later" | `fresh-${1 | 2 | 3 | 4 | 5 | 6}`,
): readonly LabeledAnswer[] => readTable(resolve(import.meta.dirname, `../labeled/${name}.json`));

/** The table that others labeled comes with the shared data, not with the clone. */
const SHARED = resolve(import.meta.dirname, "../../../../../../shared/golden/human-verdicts/cases.json");
export const hasSharedTable = existsSync(SHARED);
if (!hasSharedTable) console.warn(`skipped: ${SHARED} is missing (it comes with the shared data, not with the clone)`);

/** Its rows that `answer` judges, each text once. */
export const sharedTable = (): readonly LabeledAnswer[] =>
  hasSharedTable ? readTable(SHARED).filter(({ verifier }) => verifier === "mathverify" || verifier === "verify") : [];
