import { useEffect, useRef } from "preact/hooks";

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ["?", "show these keys"],
  ["/", "go to the search of the page"],
  ["Tab, Enter", "go to the next link or button, open it"],
  ["← →", "the rollout before and after, in a prompt's rollouts"],
  ["↑ ↓", "the prompt before and after, there"],
  ["drag in a chart", "zoom into these steps"],
  ["Shift + drag", "move the steps that are shown"],
  ["double click", "show all steps again"],
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches("input, select, textarea");

/** The keys that the pages know, in a dialog that `?` and the button open. */
export function KeyboardHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "?") dialog.current?.showModal();
      if (event.key !== "/") return;
      const search = document.querySelector<HTMLInputElement>("main input[type=search]");
      if (search === null) return;
      event.preventDefault();
      search.focus();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
  return (
    <>
      <button class="small" aria-label="Keys" onClick={() => dialog.current?.showModal()}>
        ?
      </button>
      <dialog ref={dialog} class="keys" aria-label="Keys">
        <h2>Keys</h2>
        <dl>
          {KEYS.map(([keys, what]) => (
            <div key={keys}>
              <dt>{keys}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button class="small">Close</button>
        </form>
      </dialog>
    </>
  );
}
