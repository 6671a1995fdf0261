import type { Backend } from "./backend";
import { openEdits } from "./edits";
import type { FirstAnswers } from "./first-answers";
import { answerAt, questionAddress, type QuestionParameters } from "./question-address";
import { windowParameters } from "./route";
import { SeriesQuestions } from "./series-questions";

const metaContent = (name: string): string | undefined =>
  document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content;

/** The data of the server that the page came from. */
export function httpBackend(first: FirstAnswers): Backend {
  async function answer(address: string): Promise<unknown> {
    const { ok, status, body } = await (first.take(address) ?? answerAt(address));
    if (!ok) throw new Error((body as { error?: string }).error ?? `The server answered ${status}.`);
    return body;
  }
  const ask = async <T>(path: string, parameters?: QuestionParameters): Promise<T> =>
    (await answer(questionAddress(path, parameters))) as T;
  const series = new SeriesQuestions(answer);
  return {
    madeAt: null,
    edits: openEdits(metaContent("edits") ?? "no"),
    runs: () => ask("runs"),
    settings: () => ask("settings"),
    run: (run) => ask("run", { run }),
    alarms: (run) => ask("alarms", { run }),
    evaluations: (run, metric) => ask("evaluations", { run, metric }),
    series: (run, question) => series.ask(run, question),
    grid: (run, { metrics, ...rest }) => ask("grid", { run, metric: metrics, ...rest }),
    changes: (run, { since, windows }) => ask("changes", { run, since, ...(windows && windowParameters(windows)) }),
    answers: (run, windows, { scope, name }) =>
      ask("answers", { run, scope, name, ...(windows && windowParameters(windows)) }),
    rollouts: (run, filter) => ask("rollouts", { run, ...filter }),
    group: (run, step, group) => ask("group", { run, step, group }),
    listen(onChange, onLive) {
      const since = metaContent("moment");
      const events = new EventSource(questionAddress("events", since === undefined ? {} : { since }));
      events.addEventListener("hello", () => onLive(true));
      events.addEventListener("change", (event) => onChange(JSON.parse(event.data as string) as string[]));
      events.addEventListener("error", () => onLive(false));
      return () => events.close();
    },
  };
}
