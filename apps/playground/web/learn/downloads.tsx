import { useEffect, useRef, useState } from "preact/hooks";
import type { FolderState, RunState } from "./run-state";

interface DownloadsProps {
  readonly state: RunState;
  readonly onAskFolder: () => void;
}

/** What a run leaves: its folder, with which it goes on elsewhere, and its numbers. */
export function Downloads({ state, onAskFolder }: DownloadsProps) {
  const { folder, metrics, settings, failed } = state;
  const isMade = typeof folder === "object" && "zip" in folder;
  const name = isMade ? folder.name : `playground-seed-${settings.seed}`;
  return (
    <section aria-label="Downloads">
      <h2>Take it along</h2>
      <p>
        The run folder holds the metrics, every answer, the data, and a checkpoint with AdamW's moments, made after the
        current step. Pause the run first to go on with it on the command line, from there to its last step, with the
        same digits.
      </p>
      <p class="links">
        <button type="button" disabled={folder === "asked" || failed !== undefined} onClick={onAskFolder}>
          {folder === "asked" ? "Making the run folder" : "Download the run folder"}
        </button>
        {isMade && <Folder folder={folder} />}
        {metrics && <Download name="metrics.jsonl" content={metrics} />}
      </p>
      {typeof folder === "object" && "failed" in folder && (
        <p class="problem" role="alert">
          {folder.failed}
        </p>
      )}
      <pre class="command">
        {[
          `unzip ${name}.zip`,
          `npx @v-triune/monitor ${name}          # the dashboard`,
          `npx v-triune train ${name} --resume    # goes on with the run`,
        ].join("\n")}
      </pre>
      {settings.own === null && (
        <>
          <p>The whole run on the command line, with as many threads as your machine has:</p>
          <pre class="command">{`npx v-triune demo --seed ${settings.seed} --steps ${settings.steps} --backend wasm`}</pre>
        </>
      )}
    </section>
  );
}

/** The archive, which the browser saves as soon as it is made. */
function Folder({ folder }: { folder: Extract<FolderState, { type: "folder" }> }) {
  const link = useRef<HTMLAnchorElement>(null);
  const url = useObjectUrl(folder.zip);
  useEffect(() => {
    if (url) link.current?.click();
  }, [url]);
  return (
    <a href={url} download={`${folder.name}.zip`} ref={link}>
      {folder.name}.zip after step {folder.step}, {(folder.zip.size / 1e6).toFixed(1)} MB
    </a>
  );
}

function Download({ name, content }: { name: string; content: Blob }) {
  return (
    <a href={useObjectUrl(content)} download={name}>
      {name}
    </a>
  );
}

function useObjectUrl(content: Blob): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(content);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [content]);
  return url;
}
