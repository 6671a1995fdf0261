import { PictureBoxes } from "../../../../packages/monitor/web/picture-boxes";
import { ResponseText } from "../../../../packages/monitor/web/response-text";
import { OWN_SOURCE } from "./settings";
import type { ShownAnswer } from "./protocol";

export const sourceName = (source: string): string => (source === OWN_SOURCE ? "my own" : source.replace(/^demo_/, ""));

/** A picture, its question, what the model answered and how that was judged. */
export function AnswerCard({ answer, heading }: { answer: ShownAnswer; heading: string }) {
  const { picture, boxes, question, response, gold, accuracy } = answer;
  return (
    <article class="answer-card">
      <h3>
        {heading} <span class={accuracy === 1 ? "good" : "muted"}>accuracy {accuracy?.toFixed(2) ?? "none"}</span>
      </h3>
      <p>{question}</p>
      <PictureBoxes pictures={[picture]} boxes={boxes} />
      <ResponseText text={response} whole={response.length} />
      {boxes === null && <p class="muted">Right answer: {gold}</p>}
    </article>
  );
}
