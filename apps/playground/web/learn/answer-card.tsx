import { useMemo } from "preact/hooks";
import { PictureBoxes } from "../../../../packages/monitor/web/picture-boxes";
import { ResponseText } from "../../../../packages/monitor/web/response-text";
import type { ShownAnswer, ShownPicture } from "./protocol";

/** The picture as an address that an img element takes. */
function pictureUrl({ width, height, rgb }: ShownPicture): string {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    pixels.data.set(rgb.subarray(from, from + 3), to);
    pixels.data[to + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

export const sourceName = (source: string): string => source.replace(/^demo_/, "");

/** A picture, its question, what the model answered and how that was judged. */
export function AnswerCard({ answer, heading }: { answer: ShownAnswer; heading: string }) {
  const { picture, boxes, question, response, gold, accuracy } = answer;
  const pictures = useMemo(
    () => [{ width: picture.width, height: picture.height, source: pictureUrl(picture) }],
    [picture],
  );
  return (
    <article class="answer-card">
      <h3>
        {heading} <span class={accuracy === 1 ? "good" : "muted"}>accuracy {accuracy?.toFixed(2) ?? "none"}</span>
      </h3>
      <p>{question}</p>
      <PictureBoxes pictures={pictures} boxes={boxes} />
      <ResponseText text={response} whole={response.length} />
      {boxes === null && <p class="muted">Right answer: {gold}</p>}
    </article>
  );
}
