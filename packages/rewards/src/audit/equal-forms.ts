/** Other ways to write the same answer, by the type of the gold. A careful person accepts all of them. */
import type { Box } from "@v-triune/verifiers/detection";
import type { GoldKind } from "./gold-kind";

/** An answer and what was done to the gold to get it. */
export interface Form {
  readonly kind: string;
  readonly answer: string;
}

const WHOLE = /^-?\d+$/;
const UNIT = /^(-?[\d.,]+) ?([a-z]{1,6}|°C|km\/h|%)$/i;
/** Decimals that are a short fraction. */
const FRACTIONS: readonly (readonly [decimal: string, fraction: string])[] = [
  ["0.5", "\\frac{1}{2}"],
  ["0.25", "\\frac{1}{4}"],
  ["0.75", "\\frac{3}{4}"],
  ["0.2", "\\frac{1}{5}"],
  ["1.5", "\\frac{3}{2}"],
  ["2.5", "\\frac{5}{2}"],
];

/** The forms of a gold answer; none where its type has no other. */
export function equalForms({ type, answer, boxes }: GoldKind): Form[] {
  const forms: Form[] = [];
  const add = (kind: string, form: string | undefined) => {
    if (form !== undefined && form !== answer) forms.push({ kind, answer: form });
  };
  switch (type) {
    case "number":
      numberForms(answer, add);
      break;
    case "expression":
    case "equation":
      add("dfrac for frac", answer.replaceAll("\\frac", "\\dfrac"));
      add("blanks around operators", /^[\w+=]+$/.test(answer) ? answer.replaceAll(/[+=]/g, " $& ") : undefined);
      break;
    case "word":
      if (!/[\\{}$]/.test(answer)) {
        add("capitals", answer.toUpperCase());
        add("small letters", answer.toLowerCase());
        add("in \\text{}", `\\text{${answer}}`);
        add("in quotes", `"${answer}"`);
      }
      break;
    case "choice":
      if (/^[A-Z]$/.test(answer))
        for (const form of [`(${answer})`, `${answer})`, `\\text{${answer}}`, `Option ${answer}`])
          add("a letter's forms", form);
      break;
    case "list":
    case "tuple":
      add("no blanks after commas", answer.replaceAll(", ", ","));
      break;
    case "boxes":
      add("keys and quotes of JSON", boxList(boxes));
      add("another order of boxes", boxes.length > 1 ? boxList([...boxes].reverse()) : undefined);
      break;
    case "json":
      add("spread over lines", JSON.stringify(JSON.parse(answer), null, 2));
      break;
  }
  return forms;
}

function numberForms(answer: string, add: (kind: string, form: string | undefined) => void): void {
  const value = answer.replaceAll(/\{?,\}?/g, "");
  if (WHOLE.test(value)) {
    if (value.replace("-", "").length > 3) {
      add("thousands separators", Number(value).toLocaleString("en-US"));
      add("no thousands separators", value);
    }
    if (Math.abs(Number(value)) < 1e6) add("decimal zero", `${value}.0`);
    add(
      "full-width digits",
      value.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    );
  }
  if (value.startsWith("-")) add("minus sign", value.replace("-", "−"));
  add("a fraction", FRACTIONS.find(([decimal]) => decimal === value)?.[1]);
  add("escaped percent", answer.endsWith("%") ? answer.replace(/\\?%$/, "\\%") : undefined);
  const [, number, unit] = UNIT.exec(answer) ?? [];
  if (unit !== undefined && unit !== "%") {
    add("unit in \\text{}", `${number} \\text{ ${unit}}`);
    add("unit without a blank", `${number}${unit}`);
  }
  const [, above, below] = /^\\frac\{(\d+)\}\{(\d+)\}$/.exec(answer) ?? [];
  if (above !== undefined) {
    add("dfrac for frac", answer.replace("\\frac", "\\dfrac"));
    add("a slash", `${above}/${below}`);
  }
}

/** Boxes as Qwen2.5-VL writes them. */
export const boxList = (boxes: readonly Box[]): string =>
  JSON.stringify(boxes.map(({ bbox, label }) => ({ bbox_2d: bbox, label })));
