import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CurationFiles } from "../../src/explore/curation-files";
import type { NamedFile } from "../../src/explore/file-kind";
import type { RunFiles } from "../../src/explore/run-folder";
import { keepOffline } from "../keep-offline";
import { Shell } from "../shell";
import { useHash } from "../use-hash";
import { CorpusView } from "./corpus-view";
import { CurationView } from "./curation-view";
import { chosenFiles, droppedFiles } from "./dropped-files";
import { type OpenRun, openRun } from "./open-run";
import type { RunQuestion } from "./protocol";
import { Reader } from "./reader";

const TITLE = document.title;

/** What the page shows below the buttons. */
type Shown =
  | { readonly kind: "nothing" }
  | { readonly kind: "reading" }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "corpus"; readonly files: readonly NamedFile[] }
  | { readonly kind: "curation"; readonly curation: CurationFiles }
  | { readonly kind: "runs"; readonly runs: readonly RunFiles[] };

type DashboardView = typeof import("./dashboard-view").DashboardView;

/** A run on the dashboard, whose pages have addresses behind `#/`. */
interface ShownRun extends OpenRun {
  readonly View: DashboardView;
}

function ExplorePage() {
  const [shown, setShown] = useState<Shown>({ kind: "nothing" });
  const [run, setRun] = useState<ShownRun>();
  const [isOver, setOver] = useState(false);
  /** What was dropped, as it is now; files that were chosen can be read once. */
  const [dropped, setDropped] = useState<() => Promise<readonly NamedFile[]>>();
  /** Counts what was asked for: an answer to an earlier choice comes too late. */
  const asked = useRef(0);

  const attempt = async (work: (isCurrent: () => boolean) => Promise<void>): Promise<void> => {
    const own = ++asked.current;
    const isCurrent = (): boolean => own === asked.current;
    setShown({ kind: "reading" });
    setRun((before) => {
      before?.close();
      return undefined;
    });
    try {
      await work(isCurrent);
    } catch (error) {
      if (isCurrent()) setShown({ kind: "problem", text: (error as Error).message });
    }
  };
  const showRun = (chosen: RunQuestion["chosen"], others: Shown): Promise<void> =>
    attempt(async (isCurrent) => {
      const [opened, { DashboardView: View }] = await Promise.all([openRun(chosen), import("./dashboard-view")]);
      if (!isCurrent()) return opened.close();
      setShown(others);
      setRun({ ...opened, View });
      location.hash = opened.start;
    });
  const take = (files: () => Promise<readonly NamedFile[]>): Promise<void> =>
    attempt(async (isCurrent) => {
      const reader = new Reader();
      const chosen = await reader.ask("recognize", await files()).finally(() => reader.close());
      if (!isCurrent()) return;
      if (chosen.kind === "rollouts") return showRun(chosen, { kind: "nothing" });
      const [first, second] = chosen.kind === "runs" ? chosen.runs : [];
      if (first !== undefined && second === undefined) return showRun({ kind: "run", run: first }, { kind: "nothing" });
      setShown(chosen);
    });
  useEffect(() => {
    void keepOffline();
    const over = (event: DragEvent): void => {
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      if (!event.dataTransfer) return;
      const files = droppedFiles(event.dataTransfer);
      setDropped(() => files);
      void take(files);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  const choose = (files: readonly NamedFile[]): void => {
    setDropped(undefined);
    void take(() => Promise.resolve(files));
  };
  const asksDashboard = useHash().startsWith("#/") && run !== undefined;
  useEffect(() => {
    if (!asksDashboard) document.title = TITLE;
  }, [asksDashboard]);
  if (asksDashboard) return <run.View key={run.start} backend={run.backend} />;
  return (
    <Shell page="explore">
      <h1>Look into data and runs</h1>
      <p class="lead">
        Drop a corpus, the output of a curation, a run folder or a file of rollouts on this page. You see rows with
        their pictures and boxes and what the command line would say of each, the curation's report, or the run on the
        whole dashboard. The files are read in this tab; nothing is sent anywhere.
      </p>
      <div class={`drop ${isOver ? "over" : ""}`}>
        <FileButton label="Choose files" onFiles={choose} />
        <FileButton label="Choose a folder" folder onFiles={choose} />
        {dropped && <button onClick={() => void take(dropped)}>Read again</button>}
        <span class="muted">or drop them anywhere on the page</span>
      </div>
      <div aria-live="polite">
        {shown.kind === "reading" && <p>Reading …</p>}
        {shown.kind === "problem" && (
          <div role="alert">
            <h2>This cannot be shown</h2>
            <pre class="problem">{shown.text}</pre>
          </div>
        )}
      </div>
      {run !== undefined && (
        <p>
          <a href={run.start}>Back to the dashboard</a>
        </p>
      )}
      {shown.kind === "corpus" && <CorpusView files={shown.files} />}
      {shown.kind === "curation" && <CurationView curation={shown.curation} />}
      {shown.kind === "runs" && (
        <section aria-label="Runs">
          <h2>{shown.runs.length} runs</h2>
          <ul class="plain">
            {shown.runs.map((one) => (
              <li key={one.folder}>
                <button onClick={() => void showRun({ kind: "run", run: one }, shown)}>{one.folder}</button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Shell>
  );
}

interface FileButtonProps {
  readonly label: string;
  readonly folder?: boolean;
  readonly onFiles: (files: readonly NamedFile[]) => void;
}

function FileButton({ label, folder = false, onFiles }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button class="primary" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        aria-label={label}
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={(event) => {
          const { files } = event.currentTarget;
          if (files !== null && files.length > 0) onFiles(chosenFiles(files));
          // So that the same file can be chosen again.
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

const app = document.getElementById("app")!;
app.replaceChildren();
render(<ExplorePage />, app);
