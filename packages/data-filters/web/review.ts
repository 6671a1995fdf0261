/** The golds that look wrong, one at a time: a person accepts the gold, rejects it, or takes the answers' consensus. */
import type { GoldBox } from "@v-triune/schema";
import type { Decision } from "../src/golds/gold-decision";
import type { ReviewData, Suspect } from "../src/report-page/page-data";
import { DecisionStore } from "./decision-store";
import { button, count, make } from "./elements";

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ["A", "accept the gold"],
  ["R", "reject it: the row is dropped"],
  ["C", "replace it by the consensus"],
  ["U", "undo"],
  ["← →", "the one before, the next"],
  ["N", "the next without a decision"],
  ["S", "save decisions.json"],
];
const WORDS: Readonly<Record<Decision, string>> = { accept: "accepted", reject: "rejected", replace: "replaced" };

/** Fills the section of the review. */
export function showReview(place: HTMLElement, data: ReviewData): void {
  const { suspects } = data;
  const store = new DecisionStore(data);
  const state = {
    at: Math.max(
      0,
      suspects.findIndex((_, i) => store.of(i) === undefined),
    ),
  };
  const progress = make("progress", { max: suspects.length, "aria-label": "Decided" });
  const told = make("p", { role: "status", class: "told" });
  const stage = make("div", { class: "stage" });
  const head = make("p", { class: "place" });
  const decided = make("span", { class: "decided" });

  const go = (to: number): void => {
    state.at = Math.min(suspects.length - 1, Math.max(0, to));
    show();
  };
  const goUndecided = (): void => {
    const order = suspects.map((_, i) => (state.at + 1 + i) % suspects.length);
    const next = order.find((i) => store.of(i) === undefined);
    if (next === undefined) say("All of them are decided. Save them.");
    else go(next);
  };
  const say = (text: string): void => {
    told.textContent = text;
    show();
  };
  const decide = (decision: Decision): void => {
    const suspect = suspects[state.at]!;
    if (decision === "replace" && suspect.consensus === null)
      return say("The answers agree on nothing to replace it by.");
    store.decide(state.at, decision);
    told.textContent = `${suspect.source}/${suspect.id}: ${WORDS[decision]}.`;
    const isLast = suspects.every((_, i) => store.of(i) !== undefined);
    if (isLast) say(`${told.textContent} All of them are decided. Save them.`);
    else goUndecided();
  };
  const undo = (): void => {
    const suspect = store.undo();
    if (suspect === undefined) return say("Nothing to undo.");
    told.textContent = `${suspects[suspect]!.source}/${suspects[suspect]!.id}: taken back.`;
    go(suspect);
  };
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([store.file()], { type: "application/json" }));
    make("a", { href: url, download: "decisions.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    store.saved();
    say("Saved as decisions.json. Name it in the configuration: decisions: decisions.json");
  };

  const act = {
    accept: button("Accept gold (A)", () => decide("accept"), { "aria-keyshortcuts": "a", class: "accept" }),
    reject: button("Reject (R)", () => decide("reject"), { "aria-keyshortcuts": "r", class: "reject" }),
    replace: button("Replace by consensus (C)", () => decide("replace"), {
      "aria-keyshortcuts": "c",
      class: "replace",
    }),
    undo: button("Undo (U)", undo, { "aria-keyshortcuts": "u" }),
    before: button("←", () => go(state.at - 1), { "aria-label": "The one before", "aria-keyshortcuts": "ArrowLeft" }),
    next: button("→", () => go(state.at + 1), { "aria-label": "The next", "aria-keyshortcuts": "ArrowRight" }),
    save: button("Save decisions.json", save, { "aria-keyshortcuts": "s" }),
  };
  const show = (): void => {
    const suspect = suspects[state.at]!;
    const decision = store.of(state.at);
    head.replaceChildren(
      make("strong", {}, `${state.at + 1} of ${suspects.length}`),
      ` ${suspect.source}/${suspect.id}`,
      ...(decision === undefined ? [] : [" ", make("span", { class: `mark ${decision}` }, WORDS[decision])]),
    );
    stage.replaceChildren(...pictureOf(suspect), factsOf(suspect));
    progress.value = store.decided;
    act.replace.disabled = suspect.consensus === null;
    act.undo.disabled = !store.canUndo;
    act.save.textContent = `Save decisions.json (S)${store.isSaved ? "" : ", not saved"}`;
    decided.textContent = `${store.decided} of ${suspects.length} decided`;
    for (const kind of ["accept", "reject", "replace"] as const)
      act[kind].setAttribute("aria-pressed", String(decision === kind));
  };

  const help = make(
    "details",
    {},
    make("summary", {}, "Keys"),
    make(
      "dl",
      { class: "keys" },
      ...KEYS.flatMap(([key, what]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)]),
    ),
  );
  const left = data.leftOut === 0 ? [] : [make("p", {}, leftOutText(data.leftOut))];
  place.replaceChildren(
    ...left,
    make("div", { class: "bar" }, act.before, act.next, head, progress, decided),
    make("div", { class: "bar" }, act.accept, act.reject, act.replace, act.undo, act.save),
    help,
    told,
    stage,
  );
  show();

  const byKey: Readonly<Record<string, () => void>> = {
    a: () => decide("accept"),
    r: () => decide("reject"),
    c: () => decide("replace"),
    u: undo,
    n: goUndecided,
    s: save,
    ArrowLeft: () => go(state.at - 1),
    ArrowRight: () => go(state.at + 1),
    "?": () => (help.open = !help.open),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const isTyping = target.matches("input, select, textarea, [role=list], dialog *");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !isSeen(place)) return;
    const action = byKey[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  addEventListener("beforeunload", (event) => {
    if (!store.isSaved) event.preventDefault();
  });
}

/** Keys must not change what a person does not see. */
function isSeen(place: HTMLElement): boolean {
  const { top, bottom } = place.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

function leftOutText(rows: number): string {
  return (
    `${count(rows)} more rows look wrong; suspicious-golds.parquet has them. ` +
    "The next run shows them, when it applies the decisions on these."
  );
}

function pictureOf(suspect: Suspect): Node[] {
  const { picture, goldBoxes, consensus, agreed, pictureCount } = suspect;
  if (picture === null) return [];
  const boxes = (list: readonly GoldBox[], kind: string, name: (at: number) => string): HTMLElement[] =>
    list.map(({ bbox_2d: [x1, y1, x2, y2], label }, at) =>
      make(
        "div",
        {
          class: `box ${kind}`,
          style: `left:${x1 / 10}%;top:${y1 / 10}%;width:${(x2 - x1) / 10}%;height:${(y2 - y1) / 10}%`,
        },
        make("span", {}, `${name(at)}${label}`),
      ),
    );
  const hasBoxes = goldBoxes.length > 0 || (consensus !== null && typeof consensus !== "string");
  return [
    make(
      "figure",
      {},
      make(
        "div",
        { class: "scene" },
        make("img", { src: picture, alt: "The row's picture" }),
        ...boxes(goldBoxes, "gold", () => ""),
        ...boxes(
          agreed.map(({ box }) => box),
          "consensus",
          (at) => `${agreed[at]!.count}× `,
        ),
      ),
      make(
        "figcaption",
        {},
        ...(hasBoxes
          ? [
              make("i", { class: "key gold" }),
              " gold ",
              make("i", { class: "key consensus" }),
              " consensus of the answers",
            ]
          : []),
        ...(pictureCount > 1 ? [` The first of ${pictureCount} pictures.`] : []),
      ),
    ),
  ];
}

function factsOf(suspect: Suspect): HTMLElement {
  const { question, options, gold, consensus, answers, goldCount, classes, suspicion, droppedBy, agreed } = suspect;
  const share = (n: number): HTMLElement =>
    make("span", { class: "share" }, make("i", { style: `width:${(100 * n) / Math.max(1, answers)}%` }));
  const row = (kind: string, name: string, n: number): HTMLElement =>
    make(
      "tr",
      { class: kind },
      make("td", {}, name),
      make("td", { class: "n" }, `${n} of ${answers}`),
      make("td", {}, share(n)),
    );
  const isText = typeof gold === "string";
  const goldName = isText ? gold : boxNames(gold);
  const rows = isText
    ? [
        row("gold", gold, goldCount),
        ...classes.map(({ text, count: n }, i) => row(i === 0 ? "consensus" : "", text, n)),
      ]
    : [
        row("gold", "the gold box found least", goldCount),
        ...agreed.map(({ box, count: n }) => row("consensus", `${box.label}: a box that misses the gold`, n)),
      ];
  const other = consensus === null ? "nothing" : typeof consensus === "string" ? consensus : boxNames(consensus);
  return make(
    "div",
    { class: "facts" },
    ...(question === "" ? [] : [make("p", { class: "question" }, question)]),
    ...(options.length === 0 ? [] : [make("ol", { type: "A" }, ...options.map((option) => make("li", {}, option)))]),
    make(
      "dl",
      {},
      make("dt", {}, make("i", { class: "key gold" }), " Gold"),
      make("dd", {}, goldName),
      make("dt", {}, make("i", { class: "key consensus" }), " Consensus"),
      make("dd", {}, other),
      make("dt", {}, "Chance that the gold is wrong"),
      make("dd", {}, suspicion > 0.99 ? "over 99 %" : `${Math.round(100 * suspicion)} %`),
      ...(droppedBy === null ? [] : [make("dt", {}, "Dropped by"), make("dd", {}, droppedBy)]),
    ),
    make("table", { class: "classes" }, make("caption", {}, `${answers} answers`), make("tbody", {}, ...rows)),
  );
}

function boxNames(boxes: readonly { readonly label: string }[]): string {
  if (boxes.length === 0) return "no box";
  const counts = new Map<string, number>();
  for (const { label } of boxes) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, n]) => (n > 1 ? `${n} × ${label}` : label)).join(", ");
}
