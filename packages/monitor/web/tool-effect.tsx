import type { EvaluationSet, ToolEffectRow, ToolShare, ToolTermName } from "../src/dashboard/dashboard-api";
import { signed } from "./format";

const COLUMNS: readonly (readonly [term: ToolTermName, title: string, meaning: string])[] = [
  ["accuracyWithout", "Without the tool", "accuracy in one turn, the tool not offered"],
  ["accuracyOffered", "Tool offered", "accuracy with the tool offered"],
  ["gap", "Gap", "the second less the first: gains less harms"],
  ["callGain", "Call gain", "wrong without the tool, right after a call"],
  ["schemaGain", "Schema gain", "wrong without the tool, right with it offered but not called"],
  ["callHarm", "Call harm", "right without the tool, wrong after a call"],
  ["schemaHarm", "Schema harm", "right without the tool, wrong with it offered but not called"],
];

/** What the tool brings, and what training changed of it: MED's terms (arXiv 2602.01334), mean over sources. */
export function ToolEffect({ sets }: { sets: readonly EvaluationSet[] }) {
  const measured = sets.filter(({ toolEffect }) => toolEffect.length > 0);
  const hasTools = sets.some(({ metrics }) => metrics.includes("tools/rate"));
  if (measured.length === 0 && !hasTools) return null;
  return (
    <section>
      <h2>
        What the tool brings <span class="muted">share of samples, mean over sources</span>
      </h2>
      {measured.length === 0 && (
        <p>
          Not measured yet. <code>v-triune eval RUN --step 0,LAST --tools on,off</code> asks the same samples with the
          tool and without.
        </p>
      )}
      {measured.map(({ label, toolEffect }) => (
        <EffectTable key={label} label={label ?? ""} rows={toolEffect} />
      ))}
    </section>
  );
}

function EffectTable({ label, rows }: { label: string; rows: readonly ToolEffectRow[] }) {
  const last = rows.at(-1)?.drift;
  return (
    <>
      {label !== "tools" && <h3>{label}</h3>}
      <div class="scroll" tabIndex={0} role="region" aria-label={`What the tool brings, ${label}`}>
        <table class="changes">
          <thead>
            <tr>
              <th>Step</th>
              {COLUMNS.map(([term, title, meaning]) => (
                <th key={term} class="number" title={meaning}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ step, terms }) => (
              <tr key={step}>
                <th scope="row">{step}</th>
                {COLUMNS.map(([term]) => (
                  <td key={term} class="number">
                    <Share share={terms[term]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {last && (
        <p>
          Since step {rows[0]!.step}, accuracy without the tool changed by {signed(last.intrinsic)} and the gap by{" "}
          {signed(last.tool)}. The tool&rsquo;s share of what moved over these steps is {last.toolShare.toFixed(2)}.
        </p>
      )}
    </>
  );
}

function Share({ share }: { share: ToolShare | null }) {
  if (share === null) return null;
  const { value, low, high } = share;
  return (
    <>
      {value.toFixed(3)}
      {low !== null && high !== null && (
        <span class="interval">
          {low.toFixed(3)} .. {high.toFixed(3)}
        </span>
      )}
    </>
  );
}
