/** Runs that were deleted, and how to restore them. */
import { useState } from "preact/hooks";
import { Problem } from "./parts";
import { linkTo, linkWith } from "./route";
import { useData, useSurroundings } from "./use-data";

/** The message after a deletion, with its undo, and the list of all that was deleted. */
export function Trash({ version }: { version: number }) {
  const { backend, route } = useSurroundings();
  const [undone, setUndone] = useState(0);
  const [problem, setProblem] = useState<string>();
  const { edits } = backend;
  const trash = useData("trash", `${version} ${undone}`, async () => (await edits?.trash()) ?? []);
  if (edits === null) return null;
  const last = route.query.get("deleted")?.split("\n") ?? [];
  const restore = async (ids: readonly string[]): Promise<void> => {
    try {
      for (const id of ids) await edits.restore(id);
      setProblem(undefined);
      location.replace(linkWith(route, { deleted: null }));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setUndone((count) => count + 1);
  };
  const deleted = (trash.data ?? []).filter(({ id }) => last.includes(id));
  return (
    <>
      <Problem text={problem ?? trash.error} />
      {deleted.length > 0 && (
        <p class="note" role="status">
          {deleted.map(({ name }) => name).join(", ")} {deleted.length === 1 ? "is" : "are"} in the trash.{" "}
          <button class="small" onClick={() => void restore(deleted.map(({ id }) => id))}>
            Undo
          </button>{" "}
          <a href={linkTo("runs", { ...Object.fromEntries(route.query), deleted: null })}>Close</a>
        </p>
      )}
      {(trash.data?.length ?? 0) > 0 && (
        <details>
          <summary>Trash ({trash.data!.length})</summary>
          <p class="muted">Runs stay here until v-triune-monitor trash --empty erases them.</p>
          <ul class="plain">
            {trash.data!.map(({ id, name, at }) => (
              <li key={id}>
                {name} <span class="muted">deleted {at.slice(0, 16).replace("T", " ")}</span>{" "}
                <button class="small" aria-label={`Restore ${name}`} onClick={() => void restore([id])}>
                  Restore
                </button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
