import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { recognize } from "../../src/explore/chosen";
import type { NamedFile } from "../../src/explore/file-kind";
import { keepOffline } from "../keep-offline";
import { Shell } from "../shell";
import { CorpusView } from "./corpus-view";
import { chosenFiles, droppedFiles } from "./dropped-files";

/** What the page shows below the buttons. */
type Shown =
  | { readonly kind: "nothing" }
  | { readonly kind: "reading" }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "corpus"; readonly files: readonly NamedFile[] };

function ExplorePage() {
  const [shown, setShown] = useState<Shown>({ kind: "nothing" });
  const [isOver, setOver] = useState(false);

  const take = async (files: NamedFile[] | Promise<NamedFile[]>): Promise<void> => {
    setShown({ kind: "reading" });
    try {
      setShown(await recognize(await files));
    } catch (error) {
      setShown({ kind: "problem", text: (error as Error).message });
    }
  };
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
      if (event.dataTransfer) void take(droppedFiles(event.dataTransfer));
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
  return (
    <Shell page="explore">
      <h1>Look into data</h1>
      <p class="lead">
        Drop a corpus on this page: a Parquet file, or a folder of them. You see its rows with their pictures and boxes,
        and what the command line would say of each. The files are read in this tab; nothing is sent anywhere.
      </p>
      <div class={`drop ${isOver ? "over" : ""}`}>
        <FileButton label="Choose files" onFiles={take} />
        <FileButton label="Choose a folder" folder onFiles={take} />
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
      {shown.kind === "corpus" && <CorpusView files={shown.files} />}
    </Shell>
  );
}

interface FileButtonProps {
  readonly label: string;
  readonly folder?: boolean;
  readonly onFiles: (files: NamedFile[]) => void;
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
