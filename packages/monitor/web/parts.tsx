/** Small pieces that several pages share. */
import { Fragment, type ComponentChildren } from "preact";
import type { RunAlarm, RunState } from "../src/dashboard/dashboard-api";
import { linkTo } from "./route";

const STATES: Readonly<Record<RunState, string>> = { live: "● live", finished: "✓ finished", stopped: "■ stopped" };

export function StateBadge({ state }: { state: RunState }) {
  return <span class={`badge ${state}`}>{STATES[state]}</span>;
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Alarms that are seen at once; a run in which everything goes wrong has a hundred. */
const SHOWN_ALARMS = 4;
const MOST_ALARMS = 100;

/** Those that hold first, then those that are over; the latest first. */
export function Alarms({ run, alarms, source }: { run: string; alarms: readonly RunAlarm[]; source?: string }) {
  const own = source === undefined ? alarms : alarms.filter(({ name }) => name === source);
  if (own.length === 0) return <p class="muted">No alarms{source === undefined ? "" : " for this source"}.</p>;
  const ordered = [...own.filter(({ active }) => active), ...own.filter(({ active }) => !active)];
  const further = ordered.slice(SHOWN_ALARMS, MOST_ALARMS);
  return (
    <>
      <AlarmList run={run} alarms={ordered.slice(0, SHOWN_ALARMS)} source={source} />
      {further.length > 0 && (
        <details>
          <summary>{further.length} more</summary>
          <AlarmList run={run} alarms={further} source={source} />
        </details>
      )}
    </>
  );
}

function AlarmList({ run, alarms, source }: { run: string; alarms: readonly RunAlarm[]; source: string | undefined }) {
  return (
    <ul class="alarms">
      {alarms.map((alarm) => (
        <li key={`${alarm.rule} ${alarm.name} ${alarm.step}`} class={alarm.active ? alarm.severity : "over"}>
          <strong>
            {alarm.active ? (alarm.severity === "stop" ? "⛔ " : "⚠ ") : "Over: "}
            {alarm.message}
          </strong>
          <span>{alarm.advice}</span>
          <span class="links">
            {alarm.name !== "all" && source === undefined && (
              <a href={linkTo("source", { run, name: alarm.name })}>Look at {alarm.name}</a>
            )}
            {alarm.since > 1 && <a href={linkTo("changes", { run, since: alarm.since - 1 })}>What changed since</a>}
            {alarm.rolloutStep !== null && (
              <a
                href={linkTo("rollouts", {
                  run,
                  step: alarm.rolloutStep,
                  source: alarm.name === "all" ? null : alarm.name,
                })}
              >
                Rollouts of step {alarm.rolloutStep}
              </a>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** A metric's name, which may break after its slashes and underscores. */
export function MetricName({ name }: { name: string }) {
  return (
    <>
      {name.split(/(?<=[/_@])/).map((part, index) => (
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}

export function Problem({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}
