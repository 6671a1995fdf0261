import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { keepOffline } from "../keep-offline";
import { Shell } from "../shell";
import { useHash } from "../use-hash";
import { AnswerCard, sourceName } from "./answer-card";
import { Downloads } from "./downloads";
import { DrawAndAsk } from "./draw-and-ask";
import { perFrame } from "./per-frame";
import type { Command, KeeperCommand, KeeperReport, Report } from "./protocol";
import { BeforeAfter, DigitsMark, SourceTable } from "./results";
import { RewardChart } from "./reward-chart";
import { afterReport, type RunState, startState } from "./run-state";
import { RunForm } from "./run-form";
import { readSettings, settingsQuery } from "./settings";

const TITLE = document.title;
/** Addresses behind `#` are the dashboard's. */
const DASHBOARD = "#/overview?run=playground";

type DashboardView = typeof import("./dashboard-view").DashboardView;

/** @param wanted loads it, the first time */
function useDashboard(wanted: boolean): DashboardView | undefined {
  const [view, setView] = useState<DashboardView>();
  useEffect(() => {
    if (wanted && !view) void import("./dashboard-view").then((module) => setView(() => module.DashboardView));
  }, [wanted]);
  return view;
}

function LearnPage() {
  const [address] = useState(() => readSettings(location.search));
  const [settings, setSettings] = useState(address.settings);
  const [state, setState] = useState<RunState>();
  const [paused, setPaused] = useState(false);
  const worker = useRef<Worker>();
  const [keeper, setKeeper] = useState<Worker>();

  const send = (command: Command): void => worker.current?.postMessage(command);
  const start = async (): Promise<void> => {
    worker.current?.terminate();
    keeper?.terminate();
    setState(startState(settings));
    setPaused(false);
    history.replaceState(null, "", settingsQuery(settings));
    // First, so that it keeps what the worker loads.
    await keepOffline();
    const made = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.current = made;
    const take = perFrame<Report | KeeperReport>((reports) => {
      if (worker.current === made) setState((before) => before && reports.reduce(afterReport, before));
    });
    made.addEventListener("message", ({ data }: MessageEvent<Report>) => take(data));
    made.addEventListener("error", ({ message }) => take({ type: "failed", message: message || "The worker failed." }));
    const { port1, port2 } = new MessageChannel();
    const keeps = new Worker(new URL("./keeper.ts", import.meta.url), { type: "module" });
    keeps.postMessage({ type: "run", port: port1 } satisfies KeeperCommand, [port1]);
    keeps.addEventListener("message", ({ data }: MessageEvent<KeeperReport>) => take(data));
    setKeeper(keeps);
    const command: Command = { type: "start", settings, paused: false, keeper: port2 };
    made.postMessage(command, [port2]);
  };
  const pause = (wanted: boolean): void => {
    setPaused(wanted);
    send({ type: wanted ? "pause" : "resume" });
  };
  const isRunning = state !== undefined && state.finished === undefined && state.failed === undefined;
  const asksDashboard = useHash().startsWith("#/") && keeper !== undefined;
  // Loaded at the end in any case, so that it works without a network, too.
  const Dashboard = useDashboard(asksDashboard || state?.finished !== undefined);
  useEffect(() => {
    if (!asksDashboard) document.title = TITLE;
  }, [asksDashboard]);
  useEffect(() => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a worker, not a window
    if (state?.finished) keeper?.postMessage({ type: "metrics" } satisfies KeeperCommand);
  }, [state?.finished]);
  const askFolder = (): void => {
    setState((before) => before && { ...before, folder: "asked" });
    send({ type: "save" });
  };
  if (asksDashboard && Dashboard) return <Dashboard keeper={keeper} />;

  return (
    <Shell page="learn">
      <h1>Watch a vision-language model learn</h1>
      <p class="lead">
        A Qwen2.5-VL of 1.2 million parameters was trained last on a careless annotator's labels: counts one too high,
        boxes too loose, last letters missing. Reinforcement learning with verifiable rewards puts it right, here in
        your tab. Nothing leaves your machine.
      </p>
      {!state && <AddressProblems problems={address.problems} />}
      <RunForm settings={settings} isRunning={isRunning} onChange={setSettings} onStart={() => void start()}>
        {isRunning ? (
          <>
            <button type="button" class="primary" onClick={() => pause(!paused)}>
              {paused ? "Resume" : "Pause"}
            </button>
            <button type="button" disabled={!paused} onClick={() => send({ type: "step" })}>
              Step
            </button>
          </>
        ) : (
          <button class="primary">{state ? "Start again" : "Start"}</button>
        )}
      </RunForm>
      {state ? (
        <Run state={state} paused={paused} send={send} onAskFolder={askFolder} />
      ) : (
        <p class="muted">Start loads 5 MB and keeps one core of your machine busy for about 20 seconds.</p>
      )}
    </Shell>
  );
}

/** What is wrong with the page's address. */
function AddressProblems({ problems }: { problems: readonly string[] }) {
  if (problems.length === 0) return null;
  return (
    <div class="problem" role="alert">
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}

interface RunProps {
  readonly state: RunState;
  readonly paused: boolean;
  readonly send: (command: Command) => void;
  readonly onAskFolder: () => void;
}

function Run({ state, paused, send, onAskFolder }: RunProps) {
  const { phase, steps, answers, failed, finished } = state;
  const seconds = steps.at(-1)?.seconds.total;
  return (
    <>
      {failed !== undefined ? (
        <p class="problem" role="alert">
          {failed}
        </p>
      ) : (
        <p>
          <progress value={phase.share} aria-label={phase.text} /> {phase.text}
          {paused && !finished && ", paused"}
          {seconds !== undefined && !finished && <span class="muted"> · {seconds.toFixed(2)} s for a step</span>}
          {finished && <span class="muted"> · {finished.seconds.toFixed(1)} s in all</span>}
        </p>
      )}
      <DigitsMark state={state} />
      <p>
        <a href={DASHBOARD}>Open the dashboard of this run</a>: all metrics, sources, changes and answers, as they come.
      </p>
      <div class="learn-grid">
        <section aria-label="Reward">
          <h2>Mean reward of a step</h2>
          <RewardChart rewards={steps.map(({ reward }) => reward)} steps={state.settings.steps} />
        </section>
        <section aria-label="Sources">
          <h2>Sources</h2>
          <SourceTable state={state} />
        </section>
      </div>
      {answers.length > 0 && !finished && (
        <section aria-label="Answers of this step">
          <h2>Answers of step {steps.length}</h2>
          <div class="cards">
            {answers.map((answer) => (
              <AnswerCard key={answer.source} answer={answer} heading={sourceName(answer.source)} />
            ))}
          </div>
        </section>
      )}
      {finished && <BeforeAfter state={state} />}
      {finished && <DrawAndAsk answer={state.answered} onAsk={(drawing) => send({ type: "ask", drawing })} />}
      {state.evaluations.before && <Downloads state={state} onAskFolder={onAskFolder} />}
    </>
  );
}

const app = document.getElementById("app")!;
app.replaceChildren();
render(<LearnPage />, app);
