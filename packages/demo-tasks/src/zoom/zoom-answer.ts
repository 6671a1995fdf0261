/** How answers are written: calls of the crop tool in turns before the last one, and the answer. */
import { responseText } from "../response";
import { type ZoomPanel, type ZoomQuestion, zoomText } from "./zoom-question";

/** What ends a prompt that offers the tool. */
export const zoomOffer = " You may zoom.";

/** A worked answer for the warm start. */
export interface WorkedZoom {
  readonly prompt: string;
  /** Boxes of the calls before the answer, in seen pixels. */
  readonly looks: readonly ZoomPanel["box"][];
  /** The last turn. */
  readonly answer: string;
}

export const callText = (box: ZoomPanel["box"]): string =>
  `<tool_call>\n{"name": "crop", "arguments": {"bbox_2d": [${box.join(", ")}]}}\n</tool_call>`;

const answerOf = ({ panels: [panel] }: ZoomQuestion): string =>
  responseText("", { kind: "text", value: panel!.letters });

/** Where the tool is not offered. */
export const answerUnaided = (question: ZoomQuestion): WorkedZoom => ({
  prompt: zoomText,
  looks: [],
  answer: answerOf(question),
});

/** Where the tool is offered, after these looks. */
export const answerAfter = (question: ZoomQuestion, looks: WorkedZoom["looks"]): WorkedZoom => ({
  prompt: zoomText + zoomOffer,
  looks,
  answer: answerOf(question),
});
