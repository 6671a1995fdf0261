import { KNOWN_VERIFIERS, type KnownVerifier } from "@v-triune/schema/reward-defaults";
import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { PictureBoxes } from "../../../../packages/monitor/web/picture-boxes";
import { keepOffline } from "../keep-offline";
import { Shell } from "../shell";
import { type Case, caseFile, caseHash, readCase } from "./case";
import { EXAMPLES } from "./examples";
import { type MathStage, type Reading, type Stages, stagesOf } from "./stages";

function JudgePage() {
  const [given, setGiven] = useState<Case>(() => readCase(location.hash) ?? EXAMPLES[0]!);
  const stages = useMemo(() => stagesOf(given), [given]);
  const change = (part: Partial<Case>): void => setGiven({ ...given, ...part });
  useEffect(() => history.replaceState(null, "", caseHash(given)), [given]);
  useEffect(() => {
    const follow = (): void => setGiven((before) => readCase(location.hash) ?? before);
    addEventListener("hashchange", follow);
    void keepOffline();
    return () => removeEventListener("hashchange", follow);
  }, []);
  return (
    <Shell page="judge">
      <h1>Try the verifiers</h1>
      <p class="lead">
        Write a gold answer and a response, and see what the verifier reads in them, and why it calls the response right
        or wrong. It runs in this page; the address holds the case, so a link shares it.
      </p>
      <div class="filters">
        <label>
          Verifier
          <select
            value={given.verifier}
            onChange={(event) => change({ verifier: event.currentTarget.value as KnownVerifier })}
          >
            {KNOWN_VERIFIERS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Examples
          <select
            value=""
            onChange={(event) => {
              const { title: _, ...example } = EXAMPLES[Number(event.currentTarget.value)]!;
              setGiven(example);
            }}
          >
            <option value="" disabled>
              Choose one
            </option>
            {EXAMPLES.map(({ title }, index) => (
              <option key={title} value={String(index)}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="judge-grid">
        <form onSubmit={(event) => event.preventDefault()}>
          <Field label="Gold answer" rows={3} value={given.gold} onInput={(gold) => change({ gold })} />
          <Field label="Response" rows={8} value={given.response} onInput={(response) => change({ response })} />
          <Field
            label="Parameters, as JSON (optional)"
            rows={3}
            value={given.params}
            onInput={(params) => change({ params })}
          />
        </form>
        <div aria-live="polite">
          {"problem" in stages ? (
            <p class="problem">{stages.problem}</p>
          ) : (
            <>
              <VerdictView stages={stages} />
              <WrongVerdict given={given} stages={stages} />
              <StagesView given={given} stages={stages} />
            </>
          )}
        </div>
      </div>
    </Shell>
  );
}

interface FieldProps {
  readonly label: string;
  readonly rows: number;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function Field({ label, rows, value, onInput }: FieldProps) {
  return (
    <label class="field">
      {label}
      <textarea rows={rows} value={value} spellcheck={false} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

const isRight = ({ verdict }: Stages): boolean => verdict.status === "scored" && verdict.accuracy === 1;

function VerdictView({ stages }: { stages: Stages }) {
  const { verdict, explanation } = stages;
  const scored = verdict.status === "scored";
  const partly = scored && verdict.accuracy > 0 && verdict.accuracy < 1;
  return (
    <section aria-label="Verdict">
      <h2 class={isRight(stages) ? "good" : scored && !partly ? "bad" : ""}>
        {!scored ? `No verdict: ${verdict.status}` : partly ? "Partly right" : isRight(stages) ? "Right" : "Wrong"}
      </h2>
      <p>{explanation?.reason ?? (scored ? (verdict.reason ?? "") : verdict.reason)}</p>
      {scored && (
        <>
          <dl class="facts">
            <Fact name="Accuracy" value={verdict.accuracy.toFixed(3)} />
            <Fact name="Format" value={verdict.format.toFixed(3)} />
          </dl>
          <details>
            <summary>Metrics</summary>
            <dl class="facts">
              {Object.entries(verdict.metrics).map(([name, value]) => (
                <Fact key={name} name={name} value={String(Number(value.toPrecision(4)))} />
              ))}
            </dl>
          </details>
        </>
      )}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function WrongVerdict({ given, stages }: { given: Case; stages: Stages }) {
  const href = useMemo(
    () => `data:application/json;charset=utf-8,${encodeURIComponent(caseFile(given, isRight(stages) ? 0 : 1))}`,
    [given, stages],
  );
  return (
    <p>
      Is this verdict wrong? Save it as a{" "}
      <a href={href} download="case.json">
        case file
      </a>{" "}
      and attach it to a report: it is a row of the tables that the verifiers are tested with.
    </p>
  );
}

function StagesView({ given, stages }: { given: Case; stages: Stages }) {
  const { explanation, places, math, boxes, extracted } = stages;
  const decided = places.at(-1);
  return (
    <>
      {explanation?.gold && (
        <section aria-label="Gold answer">
          <h2>The gold answer</h2>
          <p>
            Read as <b>{explanation.gold.type}</b>: <code>{explanation.gold.normalized}</code>
          </p>
        </section>
      )}
      {places.length > 0 && (
        <section aria-label="Places">
          <h2>Where the answer was found</h2>
          {explanation?.cuts && explanation.cuts.length > 0 && <p>Looked at only: {explanation.cuts.join(", ")}.</p>}
          {decided && <MarkedText text={given.response} start={decided.start} end={decided.end} />}
          <div class="scroll" tabIndex={0} role="region" aria-label="Places of the answer">
            <table>
              <thead>
                <tr>
                  <th>Found by</th>
                  <th>As written</th>
                  <th>As read</th>
                  {explanation && <th>Compared</th>}
                </tr>
              </thead>
              <tbody>
                {places.map((place) => (
                  <tr key={`${place.start}-${place.how}`}>
                    <td>{place.how}</td>
                    <td class="excerpt">{place.text}</td>
                    <td class="excerpt">{place.normalized}</td>
                    {explanation && <td>{comparisonText(place)}</td>}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {math && <MathView math={math} />}
      {extracted === null && <p>The response has no answer tags.</p>}
      {boxes && (
        <section aria-label="Boxes">
          <h2>Boxes</h2>
          <div class="canvas">
            <PictureBoxes
              pictures={[{ width: boxes.width, height: boxes.height, source: EMPTY_PICTURE }]}
              boxes={boxes.boxes}
            />
          </div>
        </section>
      )}
    </>
  );
}

/** A transparent picture: boxes are drawn over it. */
const EMPTY_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

function comparisonText(place: Stages["places"][number]): string {
  const { comparison } = place as NonNullable<NonNullable<Stages["explanation"]>["places"]>[number];
  return comparison ? `as ${comparison.read}: ${comparison.why}` : "not an answer of this kind";
}

function MarkedText({ text, start, end }: { text: string; start: number; end: number }) {
  return (
    <div class="response">
      <pre>
        {text.slice(0, start)}
        <mark>{text.slice(start, end)}</mark>
        {text.slice(end)}
      </pre>
    </div>
  );
}

function MathView({ math }: { math: MathStage }) {
  const { gold, response, matched, marks } = math;
  return (
    <section aria-label="Readings">
      <h2>Readings</h2>
      <p>
        {gold.length === 0
          ? "Nothing can be read in the gold answer."
          : response.length === 0
            ? "No answer was found in the response: this verifier looks for \\boxed{}."
            : matched
              ? "The marked readings are equal."
              : "No reading of the gold answer equals one of the response."}
      </p>
      <Readings title="Gold answer" readings={gold} marked={matched?.[0]} />
      <Readings title="Response" readings={response} marked={matched?.[1]} />
      <h3>Format marks; each must occur once, with its line breaks (⏎)</h3>
      <ul>
        {marks.map(({ mark, count }) => (
          <li key={mark}>
            <code>{mark}</code>: {count} {count === 1 ? "✓" : "✗"}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Readings({
  title,
  readings,
  marked,
}: {
  title: string;
  readings: readonly Reading[];
  marked?: number | undefined;
}) {
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {readings.map(({ kind, text }, index) => (
          <li key={index}>
            {kind}: {index === marked ? <mark>{text}</mark> : <code>{text}</code>}
          </li>
        ))}
      </ul>
    </>
  );
}

const app = document.getElementById("app")!;
app.replaceChildren();
render(<JudgePage />, app);
