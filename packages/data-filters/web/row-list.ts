/** The list of all rows, kept and dropped: filters, and as many elements as the window shows. */
import type { RowListData } from "../src/report-page/page-data";
import { button, count, make } from "./elements";
import { RowStore, type ListedRow } from "./row-store";

/** Rows beyond the window's edges. */
const MARGIN = 6;

/** Fills the section of the rows. */
export function showRows(place: HTMLElement, data: RowListData): void {
  const store = new RowStore();
  const state = { found: [] as readonly number[], current: 0 };
  const source = choice("Source", data.sources);
  const fate = choice("Fate", data.fates);
  const text = make("input", { type: "search", placeholder: "id, question or answer", autocomplete: "off" });
  const told = make("p", { role: "status", class: "told" });
  const spacer = make("div", { class: "spacer" });
  const list = make("div", { class: "rows", role: "list", tabindex: 0, "aria-label": "Rows" }, spacer);
  const dialog = make("dialog", { "aria-label": "Row" });

  const heightOf = (): number => (list.clientWidth < 600 ? 84 : 56);
  const draw = (): void => {
    const height = heightOf();
    spacer.style.height = `${state.found.length * height}px`;
    const first = Math.max(0, Math.floor(list.scrollTop / height) - MARGIN);
    const last = Math.min(state.found.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + MARGIN);
    const drawn: HTMLElement[] = [];
    for (let at = first; at < last; at++) drawn.push(lineOf(at, height));
    spacer.replaceChildren(...drawn);
  };
  const lineOf = (at: number, height: number): HTMLElement => {
    const row = store.at(state.found[at]!);
    const isKept = row.fate === 0;
    const line = make(
      "div",
      {
        role: "listitem",
        "aria-posinset": at + 1,
        "aria-setsize": state.found.length,
        class: at === state.current ? "line current" : "line",
        style: `top:${at * height}px;height:${height}px`,
      },
      make("span", { class: isKept ? "fate kept" : "fate" }, data.fates[row.fate] ?? ""),
      make("span", { class: "id" }, `${data.sources[row.source] ?? ""}/${row.id}`),
      make("span", { class: "text" }, row.question),
      make("span", { class: "answer" }, row.answer),
    );
    line.addEventListener("click", () => {
      state.current = at;
      open(row);
      draw();
    });
    return line;
  };
  const open = (row: ListedRow): void => {
    const name = `${data.sources[row.source] ?? ""}/${row.id}`;
    const entry = (term: string, value: string): HTMLElement[] =>
      value === "" ? [] : [make("dt", {}, term), make("dd", {}, value)];
    dialog.replaceChildren(
      make(
        "dl",
        {},
        ...entry("Row", name),
        ...entry("Fate", data.fates[row.fate] ?? ""),
        ...entry("Why", data.reasons[row.fate] ?? ""),
        ...entry("Question", row.question),
        ...entry("Answer", row.answer),
        ...entry("All rules", `v-triune curate CONFIG --explain '${name.replaceAll("'", "'\\''")}'`),
      ),
      button("Close", () => dialog.close()),
    );
    dialog.showModal();
  };

  const tell = (isDone: boolean): void => {
    const loaded = store.size < data.listed ? ` Unpacking: ${count(store.size)} of ${count(data.listed)}.` : "";
    told.textContent = `${count(state.found.length)} of ${count(data.listed)} rows${isDone ? "" : " so far"}.${loaded}`;
  };
  const find = (): void => {
    const filter = { source: Number(source.select.value), fate: Number(fate.select.value), text: text.value };
    void store.find(filter, (found, isDone) => {
      state.found = found;
      tell(isDone);
      draw();
    });
  };
  const fresh = (): void => {
    list.scrollTop = 0;
    state.current = 0;
    find();
  };
  const move = (to: number): void => {
    if (state.found.length === 0) return;
    state.current = Math.min(state.found.length - 1, Math.max(0, to));
    const height = heightOf();
    const top = state.current * height;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + height > list.scrollTop + list.clientHeight) list.scrollTop = top + height - list.clientHeight;
    draw();
  };

  source.select.addEventListener("change", fresh);
  fate.select.addEventListener("change", fresh);
  text.addEventListener("input", fresh);
  list.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(list);
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / heightOf()) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: state.current + 1,
      ArrowUp: state.current - 1,
      PageDown: state.current + page,
      PageUp: state.current - page,
      Home: 0,
      End: state.found.length - 1,
    };
    const to = steps[event.key];
    const row = state.found[state.current];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" && row !== undefined) open(store.at(row));
    else return;
    event.preventDefault();
  });
  place.replaceChildren(
    ...(data.listed < data.total
      ? [
          make(
            "p",
            {},
            `${count(data.listed)} of ${count(data.total)} rows, drawn by the seed. ledger.parquet has all; ` +
              "report: {rows: N} in the configuration lists more of them here.",
          ),
        ]
      : []),
    make("div", { class: "filters" }, source.label, fate.label, make("label", {}, "Text", text)),
    told,
    list,
    dialog,
  );
  void store.load(data, find).then(find);
}

function choice(
  name: string,
  options: readonly string[],
): { readonly label: HTMLElement; readonly select: HTMLSelectElement } {
  const select = make(
    "select",
    {},
    make("option", { value: -1 }, "all"),
    ...options.map((option, i) => make("option", { value: i }, option)),
  );
  return { label: make("label", {}, name, select), select };
}
