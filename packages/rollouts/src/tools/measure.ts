/** The distance of two points in pixels of the picture as it is stored. */
import type { BoxConvention } from "@v-triune/verifiers";
import { type } from "arktype";
import { type PictureChoice, chosenPicture, pixelPoint } from "./box-argument";
import type { Tool } from "./tool";

export interface MeasureArguments extends PictureChoice {
  readonly from: number[];
  readonly to: number[];
}

const schema = type({
  from: "number[] == 2",
  to: "number[] == 2",
  "image_index?": "number",
  "img_idx?": "number",
  "source?": "string",
});

export function createMeasureTool({ boxes: convention }: { readonly boxes: BoxConvention }): Tool<MeasureArguments> {
  const point = { type: "array", items: { type: "number" }, minItems: 2, maxItems: 2 };
  return {
    name: "measure",
    description: "Measures the distance of two points of a picture in pixels.",
    schema,
    parameters: {
      type: "object",
      properties: {
        from: point,
        to: point,
        image_index: { type: "integer", description: "Which picture of the conversation, from 0. Default 0." },
      },
      required: ["from", "to"],
    },
    call(args, context) {
      const index = chosenPicture(args, context);
      if (typeof index === "string") return { fault: index };
      const picture = context.pictures[index]!;
      const [a, b] = [args.from, args.to].map((at) => pixelPoint(at[0]!, at[1]!, picture, convention));
      const [dx, dy] = [b![0] - a![0], b![1] - a![1]];
      const words = [Math.hypot(dx, dy), dx, dy].map((value) => value.toFixed(1));
      return {
        text: `distance ${words[0]} px (x ${words[1]}, y ${words[2]}); picture ${picture.width} x ${picture.height} px`,
      };
    },
  };
}
