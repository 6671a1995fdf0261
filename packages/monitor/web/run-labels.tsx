/** Title, tags and note of a run on its overview, and the form that changes them. All of it is text, never markup. */
import { useState } from "preact/hooks";
import type { RunDetail, RunLabels } from "../src/dashboard/dashboard-api";
import { EditError, type LabelChange } from "./edits";
import { Fact, Problem } from "./parts";
import { linkTo } from "./route";
import { useSurroundings } from "./use-data";

export function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <>
      {tags.map((tag) => (
        <span key={tag} class="tag">
          {tag}
        </span>
      ))}
    </>
  );
}

export function RunLabelsPanel({ run }: { run: RunDetail }) {
  const { backend } = useSurroundings();
  const [isOpen, setOpen] = useState(false);
  const { tags, note, archived } = run.labels;
  if (isOpen && backend.edits !== null) return <LabelsForm run={run} onDone={() => setOpen(false)} />;
  return (
    <div class="labels">
      {archived && <span class="badge stopped">archived</span>}
      <Tags tags={tags} />
      {backend.edits !== null && (
        <button class="small" onClick={() => setOpen(true)}>
          Edit labels
        </button>
      )}
      {note !== "" && (
        <div class="user-note" tabIndex={0} role="group" aria-label="Note">
          {note}
        </div>
      )}
    </div>
  );
}

/** The labels as the fields of the form have them. */
interface LabelTexts {
  readonly title: string;
  readonly tags: string;
  readonly note: string;
}

const textsOf = ({ title, tags, note }: RunLabels): LabelTexts => ({ title: title ?? "", tags: tags.join(", "), note });

/** What was typed, over what is saved now: a field that was left alone takes what others have put there. */
function merged(form: LabelTexts, before: RunLabels, now: RunLabels): LabelTexts {
  const [seen, saved] = [textsOf(before), textsOf(now)];
  const pick = (name: keyof LabelTexts): string => (form[name] === seen[name] ? saved[name] : form[name]);
  return { title: pick("title"), tags: pick("tags"), note: pick("note") };
}

function changesOf(before: RunLabels, form: LabelTexts): LabelChange {
  const tags = form.tags.split(",").flatMap((tag) => tag.trim() || []);
  return {
    ...(form.title.trim() === (before.title ?? "") ? {} : { title: form.title.trim() || null }),
    ...(tags.join() === before.tags.join() ? {} : { tags }),
    ...(form.note === before.note ? {} : { note: form.note }),
  };
}

function LabelsForm({ run, onDone }: { run: RunDetail; onDone: () => void }) {
  const { backend } = useSurroundings();
  // What the reader began from; the run's labels may change below while they type.
  const [seen, setSeen] = useState(run.labels);
  const [form, setForm] = useState(() => textsOf(seen));
  const [overtaken, setOvertaken] = useState<RunLabels>();
  const [problem, setProblem] = useState<string>();
  const [isSaving, setSaving] = useState(false);
  const edits = backend.edits!;
  async function attempt(work: () => Promise<unknown>): Promise<void> {
    setSaving(true);
    try {
      await work();
      setProblem(undefined);
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
      if (error instanceof EditError && error.code === "labels-changed") {
        // Saving again is then based on what is there now.
        const { labels } = await backend.run(run.id);
        setForm(merged(form, seen, labels));
        setSeen(labels);
        setOvertaken(labels);
      }
    } finally {
      setSaving(false);
    }
  }
  const save = (): Promise<void> => attempt(() => edits.label(run.id, seen.revision, changesOf(seen, form)));
  const archive = (): Promise<void> => attempt(() => edits.label(run.id, seen.revision, { archived: !seen.archived }));
  const remove = (): Promise<void> =>
    attempt(async () => {
      const { id } = await edits.remove(run.id);
      location.hash = linkTo("runs", { deleted: id });
    });
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onInput: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  return (
    <form
      class="labels-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <label>
        Title <input type="text" maxLength={200} placeholder={run.name} {...field("title")} />
      </label>
      <label>
        Tags <input type="text" placeholder="baseline, seed 2" {...field("tags")} />
      </label>
      <label>
        Note <textarea rows={5} maxLength={10_000} {...field("note")} />
      </label>
      <Problem text={problem} />
      {problem !== undefined && overtaken !== undefined && (
        <dl class="facts">
          {Object.entries(textsOf(overtaken)).map(([name, text]) => (
            <Fact key={name} name={`${name}, as saved now`}>
              <span class="user-note">{text === "" ? "–" : text}</span>
            </Fact>
          ))}
        </dl>
      )}
      <p class="links">
        <button type="submit" disabled={isSaving}>
          Save
        </button>
        <button type="button" disabled={isSaving} onClick={onDone}>
          Cancel
        </button>
        <button type="button" disabled={isSaving} onClick={() => void archive()}>
          {seen.archived ? "Back from the archive" : "Archive"}
        </button>
        <button type="button" disabled={isSaving} onClick={() => void remove()}>
          Delete
        </button>
      </p>
    </form>
  );
}
