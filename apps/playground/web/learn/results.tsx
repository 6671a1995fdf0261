import { count } from "../../../../packages/monitor/web/format";
import { Sparkline } from "../../../../packages/monitor/web/sparkline";
import { AnswerCard, sourceName } from "./answer-card";
import { equalNorms, type RunState } from "./run-state";

const score = (value: number | undefined): string => value?.toFixed(3) ?? "–";

/** A row for each source: before, how it went, the mean of the last five steps, after. */
export function SourceTable({ state }: { state: RunState }) {
  const { before, after } = state.evaluations;
  if (!before) return null;
  const rows = Object.keys(before.bySource).map((source) => {
    const points = state.steps.flatMap(({ step, accuracyBySource }) =>
      accuracyBySource[source] === undefined ? [] : [{ step, value: accuracyBySource[source] }],
    );
    const last = points.slice(-5);
    const recent = last.length === 0 ? undefined : last.reduce((sum, { value }) => sum + value, 0) / last.length;
    return { source, points, recent };
  });
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Accuracy by source">
      <table>
        <caption>Accuracy by source; before and after are greedy answers to held-out questions</caption>
        <thead>
          <tr>
            <th>Source</th>
            <th class="number">Before</th>
            <th>Steps</th>
            <th class="number">Last five</th>
            <th class="number">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ source, points, recent }) => (
            <tr key={source}>
              <th>{sourceName(source)}</th>
              <td class="number">{score(before.bySource[source])}</td>
              <td>
                <Sparkline
                  steps={points.map(({ step }) => step)}
                  values={points.map(({ value }) => value)}
                  tone="plain"
                />
              </td>
              <td class="number">{score(recent)}</td>
              <td class="number">{score(after?.bySource[source])}</td>
            </tr>
          ))}
          <tr>
            <th>mean</th>
            <td class="number">{score(before.mean)}</td>
            <td />
            <td />
            <td class="number">{score(after?.mean)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

/** Whether this browser's digits are the command line's. */
export function DigitsMark({ state }: { state: RunState }) {
  const norms = equalNorms(state);
  if (!norms || norms.of === 0) return null;
  const isEqual = norms.equal === norms.of;
  return (
    <p class={`digits ${isEqual ? "good" : "bad"}`} role="status">
      {isEqual
        ? `✓ Your browser computed the same ${count(norms.of, "gradient norm")} as the command line, to the last digit.`
        : `Your browser computed ${norms.equal} of ${count(norms.of, "gradient norm")} as the command line did; ` +
          "the others differ " +
          "in their digits."}
    </p>
  );
}

/** The same held-out questions, answered by the model before and after training. */
export function BeforeAfter({ state }: { state: RunState }) {
  const { before, after } = state.evaluations;
  if (!before || !after) return null;
  const gain = ({ source, accuracy }: (typeof before.answers)[number]): number =>
    (after.answers.find((answer) => answer.source === source)?.accuracy ?? 0) - (accuracy ?? 0);
  return (
    <section aria-label="Before and after">
      <h2>The same questions, before and after</h2>
      {before.answers
        .toSorted((a, b) => gain(b) - gain(a))
        .map((answer) => {
          const later = after.answers.find(({ source }) => source === answer.source);
          return (
            <div class="pair" key={answer.source}>
              <AnswerCard answer={answer} heading={`${sourceName(answer.source)}, before`} />
              {later && <AnswerCard answer={later} heading={`${sourceName(answer.source)}, after`} />}
            </div>
          );
        })}
    </section>
  );
}
