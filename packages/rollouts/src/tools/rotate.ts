/** Turns a picture by quarter turns, which moves pixels and changes none. */
import type { RgbImage } from "@v-triune/policy";
import { type } from "arktype";
import { type PictureChoice, chosenPicture } from "./box-argument";
import type { Tool } from "./tool";

export interface RotateArguments extends PictureChoice {
  readonly degrees: number;
}

const schema = type({
  degrees: "90 | 180 | 270 | -90 | -180 | -270",
  "image_index?": "number",
  "img_idx?": "number",
  "source?": "string",
});

export const rotate: Tool<RotateArguments> = {
  name: "rotate",
  description: "Turns a picture clockwise.",
  schema,
  parameters: {
    type: "object",
    properties: {
      degrees: { type: "integer", enum: [90, 180, 270] },
      image_index: { type: "integer", description: "Which picture of the conversation, from 0. Default 0." },
    },
    required: ["degrees"],
  },
  async call(args, context) {
    const index = chosenPicture(args, context);
    if (typeof index === "string") return { fault: index };
    return { pictures: [turned(await context.pictures[index]!.pixels(), (args.degrees + 360) % 360)] };
  },
};

function turned({ width, height, data }: RgbImage, degrees: number): RgbImage {
  const swaps = degrees !== 180;
  const [w, h] = swaps ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [fromX, fromY] =
        degrees === 90 ? [y, height - 1 - x] : degrees === 180 ? [width - 1 - x, height - 1 - y] : [width - 1 - y, x];
      const from = 3 * (fromY * width + fromX);
      out.set(data.subarray(from, from + 3), 3 * (y * w + x));
    }
  return { width: w, height: h, data: out };
}
