/** The rows of a corpus file, page by page, by source, ability, verifier and text. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CorpusRow, CorpusSummary, Counts, FoundRows, RowFilter } from "../../src/explore/corpus-file";
import type { NamedFile } from "../../src/explore/file-kind";
import { Reader } from "./reader";
import { RowCard } from "./row-card";

const PAGE_ROWS = 12;
/** Time that a person may pause while typing, in milliseconds. */
const TYPING_PAUSE = 300;

export function CorpusView({ files }: { files: readonly NamedFile[] }) {
  const [at, setAt] = useState(0);
  useEffect(() => setAt(0), [files]);
  const file = files[at] ?? files[0]!;
  return (
    <>
      {files.length > 1 && (
        <div class="filters">
          <label>
            File
            <select value={String(at)} onChange={(event) => setAt(Number(event.currentTarget.value))}>
              {files.map(({ path }, index) => (
                <option key={path} value={String(index)}>
                  {path}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      <FileRows key={file.path} file={file} />
    </>
  );
}

/** What is known of an open file. */
interface Opened {
  readonly reader: Reader;
  readonly summary: CorpusSummary;
  readonly problem: string | null;
}

function FileRows({ file }: { file: NamedFile }) {
  const [opened, setOpened] = useState<Opened>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    setOpened(undefined);
    setProblem(undefined);
    const reader = new Reader((summary, stopped) => setOpened({ reader, summary, problem: stopped }));
    reader.ask("open", file).then(
      (summary) => setOpened((before) => before ?? { reader, summary, problem: null }),
      (error: Error) => setProblem(error.message),
    );
    return () => reader.close();
  }, [file]);
  if (problem !== undefined)
    return (
      <div role="alert">
        <h2>This cannot be shown</h2>
        <pre class="problem">{problem}</pre>
      </div>
    );
  if (opened === undefined) return <p role="status">Reading {file.path} …</p>;
  return <Rows file={file} {...opened} />;
}

function Rows({ file, reader, summary, problem }: Opened & { readonly file: NamedFile }) {
  const [filter, setFilter] = useState<RowFilter>({});
  const [found, setFound] = useState<FoundRows>({ rows: [], isComplete: false });
  const [failed, setFailed] = useState<string>();
  const [page, setPage] = useState(0);
  const typing = useRef<ReturnType<typeof setTimeout>>();
  const search = useRef(0);

  useEffect(() => {
    const own = ++search.current;
    const show = (rows: FoundRows): void => {
      if (own === search.current) setFound(rows);
    };
    setFound({ rows: [], isComplete: false });
    setFailed(undefined);
    setPage(0);
    reader.ask("find", filter, show).then(show, (error: Error) => {
      if (own === search.current) setFailed(error.message);
    });
  }, [reader, filter]);

  const change = (part: RowFilter): void => setFilter((before) => ({ ...before, ...part }));
  const type = (text: string): void => {
    clearTimeout(typing.current);
    typing.current = setTimeout(() => change({ text }), TYPING_PAUSE);
  };
  const pages = Math.max(1, Math.ceil(found.rows.length / PAGE_ROWS));
  const { rows, checked, refused, sources, abilities, verifiers } = summary;
  const isChecked = checked === rows;
  return (
    <section aria-label="Rows">
      <h2>{file.path}</h2>
      <p role="status">
        {count(rows, "row")}, {megabytes(file.blob.size)}.{" "}
        {isChecked ? (
          refused === 0 ? (
            "All of them can be used."
          ) : (
            <span class="bad">{count(refused, "row")} cannot be used.</span>
          )
        ) : (
          `${number(checked)} checked, ${number(refused)} of them cannot be used.`
        )}
      </p>
      {!isChecked && problem === null && <progress value={checked} max={rows} aria-label="Rows checked" />}
      {problem !== null && <pre class="problem">{problem}</pre>}
      <div class="filters">
        <Choice label="Source" counts={sources} onChoose={(source) => change({ source })} />
        <Choice label="Ability" counts={abilities} onChoose={(ability) => change({ ability })} />
        <Choice label="Verifier" counts={verifiers} onChoose={(verifier) => change({ verifier })} />
        <label>
          Text
          <input type="search" onInput={(event) => type(event.currentTarget.value)} />
        </label>
        {refused > 0 && (
          <label>
            <input type="checkbox" onChange={(event) => change({ refused: event.currentTarget.checked })} /> Only rows
            that cannot be used
          </label>
        )}
      </div>
      {failed !== undefined && failed !== problem && <pre class="problem">{failed}</pre>}
      <div class="filters">
        <button disabled={page === 0} onClick={() => setPage(page - 1)}>
          Previous page
        </button>
        <button disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>
          Next page
        </button>
        <span role="status">
          Page {number(page + 1)} of {number(pages)}, {count(found.rows.length, "row")} found
          {found.isComplete || failed !== undefined ? "." : " so far."}
        </span>
      </div>
      <RowPage reader={reader} rows={found.rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)} />
    </section>
  );
}

function RowPage({ reader, rows }: { reader: Reader; rows: readonly number[] }) {
  const [shown, setShown] = useState<readonly CorpusRow[]>([]);
  const [problem, setProblem] = useState<string>();
  const wanted = useMemo(() => rows, [rows.join(" ")]);
  useEffect(() => {
    let isCurrent = true;
    setProblem(undefined);
    reader.ask("rows", wanted).then(
      (found) => isCurrent && setShown(found),
      (error: Error) => isCurrent && (setShown([]), setProblem(error.message)),
    );
    return () => {
      isCurrent = false;
    };
  }, [reader, wanted]);
  return (
    <>
      {problem !== undefined && <pre class="problem">{problem}</pre>}
      <div class="cards rows">
        {shown.map((row) => (
          <RowCard key={row.row} reader={reader} row={row} />
        ))}
      </div>
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly counts: Counts;
  readonly onChoose: (value: string | undefined) => void;
}

function Choice({ label, counts, onChoose }: ChoiceProps) {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return (
    <label>
      {label}
      <select
        onChange={(event) =>
          onChoose(event.currentTarget.value === "" ? undefined : (JSON.parse(event.currentTarget.value) as string))
        }
      >
        <option value="">All</option>
        {entries.map(([value, rows]) => (
          <option key={value} value={JSON.stringify(value)}>
            {value} ({number(rows)})
          </option>
        ))}
      </select>
    </label>
  );
}

const number = (value: number): string => value.toLocaleString("en-US");
const count = (value: number, what: string): string => `${number(value)} ${what}${value === 1 ? "" : "s"}`;
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
