/** {@link answerPairs} of rollouts in memory, by the same rules. */
import type { AnswerComparison, ChangeWindows, ComparedAnswer, ComparedPrompt } from "../dashboard-api";
import type { StoredRow } from "../rollouts/stored-row";
import { LONGEST_ANSWER, MOST_ANSWERS, MOST_PAIRS, meanReward, type ComparedRow } from "./compared-prompt";
import { isWithin } from "./change-windows";
import { promptId } from "./compared-metrics";

/** The answers to a prompt in a window; its latest ones stand for it. */
interface AnsweredPrompt {
  readonly id: string;
  readonly source: string;
  /** Mean over the scored answers of the window; null where none is scored. */
  readonly reward: number | null;
  /** The latest. */
  readonly group: readonly StoredRow[];
}

/** @param rows of the run, by step, group and sample */
export function answerPairsInMemory(
  rows: readonly StoredRow[],
  { before, after }: ChangeWindows,
  { scope, name }: ComparedRow,
): AnswerComparison {
  const own = rows.filter((row) => scope === "all" || row[scope] === name);
  const earlier = answeredPrompts(own.filter(({ step }) => isWithin(step, before)));
  const later = answeredPrompts(own.filter(({ step }) => isWithin(step, after)));
  if (!rows.some(({ step }) => isWithin(step, before)) || !rows.some(({ step }) => isWithin(step, after)))
    return { pairing: "same-rank", recurring: 0, pairs: [] };
  const recurring = earlier.flatMap((first) => {
    const second = later.find(({ id, source }) => id === first.id && source === first.source);
    return second ? [{ before: first, after: second, change: difference(first.reward, second.reward) }] : [];
  });
  recurring.sort((a, b) => nullsLast(a.change, b.change) || byText(a.before.id, b.before.id));
  const pairs = recurring.length > 0 ? recurring.slice(0, MOST_PAIRS) : rankedPairs(earlier, later);
  return {
    pairing: recurring.length > 0 ? "same-prompts" : "same-rank",
    recurring: recurring.length,
    pairs: pairs.map((pair) => ({ before: comparedPrompt(pair.before), after: comparedPrompt(pair.after) })),
  };
}

function answeredPrompts(rows: readonly StoredRow[]): AnsweredPrompt[] {
  const prompts = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.source, promptId(row)]);
    const known = prompts.get(key);
    if (known) known.push(row);
    else prompts.set(key, [row]);
  }
  return [...prompts.values()].map((answers) => {
    const { step } = answers.at(-1)!;
    const { group } = answers.find((row) => row.step === step)!;
    return {
      id: promptId(answers[0]!),
      source: answers[0]!.source,
      reward: meanReward(answers),
      group: answers.filter((row) => row.step === step && row.group === group),
    };
  });
}

/** Prompts at the middle of each eighth of the rewards of their window. */
function rankedPairs(
  earlier: readonly AnsweredPrompt[],
  later: readonly AnsweredPrompt[],
): { before: AnsweredPrompt | undefined; after: AnsweredPrompt | undefined }[] {
  const [before, after] = [middles(earlier), middles(later)];
  return Array.from({ length: MOST_PAIRS }, (_, eighth) => ({
    before: before.get(eighth),
    after: after.get(eighth),
  })).filter((pair) => pair.before !== undefined || pair.after !== undefined);
}

function middles(prompts: readonly AnsweredPrompt[]): Map<number, AnsweredPrompt> {
  const ranked = prompts.toSorted((a, b) => nullsLast(a.reward, b.reward) || byText(a.id, b.id));
  const chosen = new Map<number, { readonly prompt: AnsweredPrompt; readonly distance: number }>();
  for (const [place, prompt] of ranked.entries()) {
    const eighth = Math.floor((place * MOST_PAIRS) / ranked.length);
    const distance = Math.abs(((place + 0.5) * MOST_PAIRS) / ranked.length - eighth - 0.5);
    if (distance < (chosen.get(eighth)?.distance ?? Infinity)) chosen.set(eighth, { prompt, distance });
  }
  return new Map([...chosen].map(([eighth, { prompt }]) => [eighth, prompt]));
}

function comparedPrompt(prompt: AnsweredPrompt | undefined): ComparedPrompt | null {
  if (prompt === undefined) return null;
  const rows = prompt.group.slice(0, MOST_ANSWERS);
  const { step, group, source, id, prompt: asked, groundTruth } = rows[0]!;
  const answers = rows.map((row): ComparedAnswer => ({
    sample: row.sample,
    reward: row.reward,
    status: row.status,
    truncated: row.truncated,
    responseTokens: row.responseTokens,
    response: row.response.slice(-LONGEST_ANSWER),
    isCut: row.response.length > LONGEST_ANSWER,
  }));
  return { step, group, source, id, prompt: asked, groundTruth, reward: meanReward(answers), answers };
}

const difference = (before: number | null, after: number | null): number | null =>
  before === null || after === null ? null : after - before;

function nullsLast(a: number | null, b: number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return a - b;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
