import { formatRecordLine } from "@v-triune/monitor/browser";
import { useEffect, useState } from "preact/hooks";
import type { RunState } from "./run-state";

/** What a run leaves: its numbers, and its weights. */
export function Downloads({ state }: { state: RunState }) {
  const { records, finished, settings } = state;
  const numbers = records.map((record) => `${formatRecordLine(record)}\n`).join("");
  return (
    <section aria-label="Downloads">
      <h2>Take it along</h2>
      <p class="links">
        <Download name="metrics.jsonl" content={numbers} />
        {[...(finished?.model ?? [])].map(([name, bytes]) => (
          <Download key={name} name={name} content={bytes} />
        ))}
      </p>
      <p>
        The numbers are those of a run folder: the dashboard opens a folder with this metrics.jsonl (
        <code>npx @v-triune/monitor FOLDER</code>). The weights load wherever the demonstration's model loads. The same
        run on the command line, with as many threads as your machine has:
      </p>
      <pre class="command">{`npx v-triune demo --seed ${settings.seed} --steps ${settings.steps} --backend wasm`}</pre>
    </section>
  );
}

function Download({ name, content }: { name: string; content: string | Uint8Array }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content as BlobPart]));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [content]);
  return (
    <a href={url} download={name}>
      {name}
    </a>
  );
}
