import type { ChangeWindows, ComparedAnswer, ComparedPrompt, StreamKey } from "../src/dashboard/dashboard-api";
import { count, shortNumber, shownWindow } from "./format";
import { Problem } from "./parts";
import { linkTo, windowParameters } from "./route";
import { useData, useSurroundings } from "./use-data";

/** Answers of a source, a task or all before and after, prompt by prompt. */
export function AnswersPage({
  run,
  windows,
  scope,
  name,
}: {
  run: string;
  windows: ChangeWindows;
  scope: StreamKey["scope"];
  name: string;
}) {
  const { backend } = useSurroundings();
  const { before, after } = windows;
  const { data, error } = useData(run, JSON.stringify([windows, scope, name]), () =>
    backend.answers(run, windows, { scope, name }),
  );
  return (
    <>
      <p class="links">
        <a href={linkTo("changes", { run, ...windowParameters(windows) })}>All changes</a>
        {scope === "source" && <a href={linkTo("source", { run, name })}>Charts of {name}</a>}
      </p>
      <h1>
        {scope === "all" ? "All answers" : name}{" "}
        <span class="muted">
          before (steps {shownWindow(before)}) and after (steps {shownWindow(after)})
        </span>
      </h1>
      <Problem text={error} />
      {data === undefined && error === undefined && <p class="muted">Looking for answers …</p>}
      {data?.pairs.length === 0 && (
        <p>
          No answers to compare: rollouts of {scope === "all" ? "the run" : name} are not stored in both windows
          (monitor.rollouts in the configuration).
        </p>
      )}
      {data !== undefined && data.pairs.length > 0 && (
        <p class="muted">
          {data.pairing === "same-prompts"
            ? `${count(data.recurring, "prompt")} ${data.recurring === 1 ? "occurs" : "occur"} in both windows; those ` +
              "whose reward fell most come first, with their latest answers of each window."
            : "No prompt occurs in both windows. Beside each other stand prompts of the same rank among the rewards of " +
              "their window, the lowest first."}
        </p>
      )}
      {data?.pairs.map((pair, index) => (
        <section key={index} class="before-after">
          <Side title="Before" run={run} prompt={pair.before} />
          <Side title="After" run={run} prompt={pair.after} />
        </section>
      ))}
    </>
  );
}

/** Answers that are seen at once. */
const SHOWN = 4;

function Side({ title, run, prompt }: { title: string; run: string; prompt: ComparedPrompt | null }) {
  if (prompt === null)
    return (
      <div>
        <h2>{title}</h2>
        <p class="muted">No prompt of this rank.</p>
      </div>
    );
  const { step, group, id, reward, answers } = prompt;
  const further = answers.slice(SHOWN);
  return (
    <div>
      <h2>
        {title}: {shortNumber(reward)} <span class="muted">mean reward of {count(answers.length, "answer")}</span>
      </h2>
      <p>
        <a href={linkTo("rollouts", { run, step, group, sample: answers[0]?.sample ?? 0 })}>
          Step {step}, {id === "" ? `prompt ${group}` : id}
        </a>
      </p>
      <details>
        <summary>Prompt and gold answer</summary>
        <pre>{prompt.prompt}</pre>
        <pre>{prompt.groundTruth}</pre>
      </details>
      <Answers answers={answers.slice(0, SHOWN)} />
      {further.length > 0 && (
        <details>
          <summary>{count(further.length, "more answer")}</summary>
          <Answers answers={further} />
        </details>
      )}
    </div>
  );
}

function Answers({ answers }: { answers: readonly ComparedAnswer[] }) {
  return (
    <ol>
      {answers.map(({ sample, reward, status, responseTokens, truncated, response, isCut }) => (
        <li key={sample}>
          <b class={status === "scored" ? "" : "bad"}>{status === "scored" ? shortNumber(reward) : status}</b>{" "}
          <span class="muted">
            {responseTokens !== null && count(responseTokens, "token")}
            {truncated && " ✂ cut at the limit"}
          </span>
          <pre>
            {isCut && "… "}
            {response}
          </pre>
        </li>
      ))}
    </ol>
  );
}
