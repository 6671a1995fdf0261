/** One row of a corpus: its pictures with the gold boxes, the question, the gold answer and all of its fields. */
import { rolloutBoxes } from "@v-triune/monitor/browser";
import type { Sample } from "@v-triune/schema";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { PictureBoxes } from "../../../../packages/monitor/web/picture-boxes";
import type { CorpusRow } from "../../src/explore/corpus-file";
import type { Reader } from "./reader";

/** A picture that the browser has decoded, or why it has not. */
type Picture =
  | { readonly width: number; readonly height: number; readonly source: string }
  | { readonly problem: string };

export function RowCard({ reader, row: { row, sample, problem, raw } }: { reader: Reader; row: CorpusRow }) {
  return (
    <article class="answer-card">
      <h3>
        Row {row} <span class="muted">{sample && nameOf(sample)}</span>
      </h3>
      {problem !== null && <pre class="problem">{problem}</pre>}
      {sample !== null && <SampleParts reader={reader} row={row} sample={sample} />}
      {raw !== null && (
        <>
          <Pictures reader={reader} row={row} sample={null} />
          <details>
            <summary>The row as it is</summary>
            <pre class="fields" tabIndex={0} role="region" aria-label="The row as it is">
              {raw}
            </pre>
          </details>
        </>
      )}
    </article>
  );
}

function nameOf({ data_source: source, extra_info: extra }: Sample): string {
  return extra.id === null ? source : `${source}/${extra.id}`;
}

function SampleParts({ reader, row, sample }: { reader: Reader; row: number; sample: Sample }) {
  const { prompt, reward_model: reward } = sample;
  const fields = useMemo(() => JSON.stringify({ ...sample, images: pathsOf(sample) }, null, 1), [sample]);
  return (
    <>
      <Pictures reader={reader} row={row} sample={sample} />
      {prompt.map(({ role, content }, index) => (
        <Passage key={index} label={`Prompt, ${role}`}>
          {prompt.length > 1 && <b>{role}: </b>}
          {content}
        </Passage>
      ))}
      <Passage label="Gold answer">
        Gold: <code>{reward.answer ?? reward.ground_truth}</code> <span class="muted">judged by {reward.verifier}</span>
      </Passage>
      <details>
        <summary>All fields</summary>
        <pre class="fields" tabIndex={0} role="region" aria-label="All fields">
          {fields}
        </pre>
      </details>
    </>
  );
}

/** Text that scrolls when it is long, also by key. */
function Passage({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="passage" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}

function pathsOf({ images }: Sample): readonly (string | null)[] {
  return images.map(({ path }) => path);
}

function Pictures({ reader, row, sample }: { reader: Reader; row: number; sample: Sample | null }) {
  const [pictures, setPictures] = useState<readonly Picture[]>([]);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    const made: string[] = [];
    const load = async (): Promise<void> => {
      const stored = await reader.ask("pictures", row);
      const shown = await Promise.all(stored.map((bytes, index) => decoded(bytes, sample?.images[index]?.path, made)));
      if (isCurrent) setPictures(shown);
    };
    load().catch((error: Error) => isCurrent && setProblem(error.message));
    return () => {
      isCurrent = false;
      for (const url of made) URL.revokeObjectURL(url);
    };
  }, [reader, row]);
  const seen = pictures.flatMap((picture) => ("problem" in picture ? [] : [picture]));
  const [first] = pictures;
  const boxes = first === undefined || "problem" in first || sample === null ? null : goldBoxes(sample, first);
  return (
    <>
      {problem !== undefined && <pre class="problem">{problem}</pre>}
      {pictures.map((picture, index) =>
        "problem" in picture ? (
          <p key={index} class="muted">
            {picture.problem}
          </p>
        ) : null,
      )}
      <PictureBoxes pictures={seen} boxes={boxes} goldOnly />
    </>
  );
}

/** Boxes as the dashboard draws them: thousandths of the picture, or its pixels where the sample says so. */
function goldBoxes({ reward_model: reward }: Sample, size: { readonly width: number; readonly height: number }) {
  const isRelative = reward.verifier_parm.det_verifier_normalized !== false;
  const boxes = rolloutBoxes("", reward.ground_truth, { ...size, convention: isRelative ? "resized-pixels" : null });
  return boxes && { ...boxes, predicted: [], matches: [] };
}

async function decoded(bytes: Uint8Array | null, path: string | null | undefined, made: string[]): Promise<Picture> {
  if (bytes === null) return { problem: `The picture is a file of its own: ${path ?? "without a name"}.` };
  const source = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  made.push(source);
  const image = new Image();
  image.src = source;
  try {
    await image.decode();
  } catch {
    return { problem: `This browser cannot decode the picture (${bytes.length} bytes).` };
  }
  return { width: image.naturalWidth, height: image.naturalHeight, source };
}
