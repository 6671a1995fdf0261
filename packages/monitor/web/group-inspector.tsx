import { useEffect, useRef, useState } from "preact/hooks";
import type { RewardArithmetic, RolloutDetail, RolloutGroup } from "../src/dashboard/dashboard-api";
import { ConversationTurns } from "./conversation-turns";
import { count, shortNumber, signed } from "./format";
import { Fact, Problem } from "./parts";
import { PictureBoxes } from "./picture-boxes";
import { ResponseText } from "./response-text";
import { linkTo, type RouteParameters } from "./route";
import { useData, useSurroundings } from "./use-data";

/**
 * One prompt, its picture, and its rollouts side by side. ← → go through the rollouts, ↑ ↓ through the step's prompts.
 */
export function GroupInspector({
  run,
  step,
  group,
  sample,
}: {
  run: string;
  step: number;
  group: number;
  sample: number;
}) {
  const { backend } = useSurroundings();
  const { data, error } = useData(`${run} ${step}`, String(group), () => backend.group(run, step, group));
  const go = (changes: RouteParameters): void =>
    location.replace(linkTo("rollouts", { run, step, group, sample, ...changes }));
  // Always the newest: a key may be pressed before an effect of the last one has run.
  const onKey = useRef<(event: KeyboardEvent) => void>(() => undefined);
  onKey.current = (event) => {
    const target = event.target as HTMLElement;
    // Until the next prompt is there, the one before it still shows.
    if (
      data?.group !== group ||
      event.altKey ||
      event.ctrlKey ||
      event.metaKey ||
      /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)
    )
      return;
    const at = data.rollouts.findIndex((rollout) => rollout.sample === sample);
    const other = { ArrowLeft: data.rollouts[at - 1], ArrowRight: data.rollouts[at + 1] }[event.key];
    const place = { ArrowUp: data.previous, ArrowDown: data.next }[event.key];
    if (other !== undefined) go({ sample: other.sample });
    else if (typeof place === "number") go({ group: place, sample: 0 });
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => onKey.current(event);
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  if (data === undefined) return <Problem text={error} />;
  const rollout = data.rollouts.find((one) => one.sample === sample) ?? data.rollouts[0];
  return (
    <>
      <p class="links">
        <a href={linkTo("rollouts", { run, step })}>Step {step}</a>
        {data.previous !== null && (
          <a href={linkTo("rollouts", { run, step, group: data.previous })}>↑ previous prompt</a>
        )}
        {data.next !== null && <a href={linkTo("rollouts", { run, step, group: data.next })}>↓ next prompt</a>}
        <CopyLink />
      </p>
      <h1>
        {data.source} <span class="muted">{data.id}</span>
      </h1>
      <Problem text={error} />
      <div class="inspector">
        <div class="question">
          <PictureBoxes pictures={data.pictures} boxes={rollout?.boxes ?? null} />
          <h2>Prompt</h2>
          <ResponseText text={data.prompt} whole={data.prompt.length} />
          <h2>Gold answer</h2>
          <ResponseText text={data.groundTruth} whole={data.groundTruth.length} />
        </div>
        <div class="answers">
          <h2>{count(data.rollouts.length, "rollout")} of this prompt</h2>
          <GroupStrip run={run} group={data} sample={rollout?.sample ?? 0} />
          <SideBySide run={run} group={data} />
          {rollout !== undefined && <Rollout key={rollout.sample} rollout={rollout} pictures={data.pictures} />}
        </div>
      </div>
    </>
  );
}

function CopyLink() {
  const [copied, setCopied] = useState(false);
  const copy = (): void =>
    void navigator.clipboard?.writeText(location.href).then(
      () => setCopied(true),
      () => undefined,
    );
  return (
    <button class="small" onClick={copy}>
      {copied ? "Link copied" : "Copy link"}
    </button>
  );
}

function GroupStrip({ run, group, sample }: { run: string; group: RolloutGroup; sample: number }) {
  const largest = Math.max(1e-9, ...group.rollouts.map(({ advantage }) => Math.abs(advantage ?? 0)));
  return (
    <ol class="strip">
      {group.rollouts.map((rollout) => {
        const { advantage } = rollout;
        const height = `${(50 * Math.abs(advantage ?? 0)) / largest}%`;
        return (
          <li key={rollout.sample}>
            <a
              href={linkTo("rollouts", { run, step: group.step, group: group.group, sample: rollout.sample })}
              aria-current={rollout.sample === sample ? "true" : undefined}
              class={rollout.status}
            >
              <span class="bar" aria-hidden="true">
                <span class={(advantage ?? 0) < 0 ? "down" : "up"} style={{ height }} />
              </span>
              <span class="muted">#{rollout.sample}</span>
              <b>{rollout.status === "scored" ? shortNumber(rollout.reward) : rollout.status}</b>
              <span>
                A {signed(advantage)}
                {rollout.truncated && " ✂"}
              </span>
            </a>
          </li>
        );
      })}
    </ol>
  );
}

/** Characters of an answer in a column. */
const EXCERPT = 600;

/** All answers beside each other, to see in what they differ; folded away, as one is looked at more often. */
function SideBySide({ run, group }: { run: string; group: RolloutGroup }) {
  return (
    <details class="side-by-side">
      <summary>All answers side by side</summary>
      <ol>
        {group.rollouts.map((rollout) => (
          <li key={rollout.sample}>
            <a href={linkTo("rollouts", { run, step: group.step, group: group.group, sample: rollout.sample })}>
              #{rollout.sample}
            </a>{" "}
            <b>{rollout.status === "scored" ? shortNumber(rollout.reward) : rollout.status}</b>{" "}
            <span class="muted">A {signed(rollout.advantage)}</span>
            <pre>
              {rollout.response.length > EXCERPT && "… "}
              {rollout.response.slice(-EXCERPT)}
            </pre>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Rollout({ rollout, pictures }: { rollout: RolloutDetail; pictures: RolloutGroup["pictures"] }) {
  return (
    <article>
      <h2>Rollout #{rollout.sample}</h2>
      {rollout.reason !== null && (
        <p class="problem">
          {rollout.status}: {rollout.reason}
        </p>
      )}
      <dl class="facts">
        <Fact name="Reward">{shortNumber(rollout.reward)}</Fact>
        <Fact name="Advantage">{signed(rollout.advantage)}</Fact>
        <Fact name="Tokens">
          {rollout.responseTokens ?? "–"}
          {rollout.truncated && <span class="bad"> ✂ cut at the limit</span>}
        </Fact>
        {rollout.strippedTokens > 0 && <Fact name="Image tokens taken out">{rollout.strippedTokens}</Fact>}
      </dl>
      {rollout.arithmetic !== null && <Arithmetic arithmetic={rollout.arithmetic} stored={rollout.reward} />}
      {rollout.conversation === null ? (
        <ResponseText text={rollout.response} whole={rollout.responseLength} truncated={rollout.truncated} />
      ) : (
        <ConversationTurns conversation={rollout.conversation} pictures={pictures} />
      )}
      {Object.keys(rollout.metrics).length > 0 && (
        <details>
          <summary>The verifier's numbers</summary>
          <table class="config">
            <tbody>
              {Object.entries(rollout.metrics).map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="number">{shortNumber(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </article>
  );
}

const sumText = (terms: RewardArithmetic["terms"]): string =>
  terms.map(({ name, weight, value }) => `${shortNumber(weight)} × ${shortNumber(value)} ${name}`).join(" + ");

function Arithmetic({ arithmetic, stored }: { arithmetic: RewardArithmetic; stored: number | null }) {
  const { terms, divisor, additions, result, agrees, accuracyTerms } = arithmetic;
  const isDivided = Math.abs(divisor - 1) >= 1e-6;
  const added = additions
    .map(({ name, value }) => ` ${value < 0 ? "−" : "+"} ${shortNumber(Math.abs(value))} ${name}`)
    .join("");
  return (
    <p class="arithmetic">
      {isDivided ? `(${sumText(terms)}) / ${shortNumber(divisor)}` : sumText(terms)}
      {added} = <b>{shortNumber(result)}</b>
      {accuracyTerms !== null && (
        <span class="muted">
          accuracy:{" "}
          {accuracyTerms.length > 1
            ? `(${sumText(accuracyTerms)}) / ${shortNumber(accuracyTerms.reduce((sum, { weight }) => sum + weight, 0))}`
            : accuracyTerms[0]?.name}
        </span>
      )}
      {!agrees && (
        <span class="problem">
          {" "}
          The stored reward is {shortNumber(stored)}: the run counts something more, or by other weights.
        </span>
      )}
    </p>
  );
}
