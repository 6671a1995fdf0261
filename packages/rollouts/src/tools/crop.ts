/**
 * Looks closer: cuts a box out of the picture as it is stored, so that the model sees pixels that it has not seen. The
 * forms of calls that published recipes use are all understood: `bbox_2d` with `label`, and the picture by
 * `image_index`, `img_idx` or `source`.
 */
import { type RgbImage, resizeBicubic } from "@v-triune/policy";
import type { BoxConvention } from "@v-triune/verifiers";
import { type } from "arktype";
import { type BoxRules, type PictureChoice, chosenPicture, repairedBox } from "./box-argument";
import type { Tool, ToolPicture } from "./tool";

export interface CropOptions {
  /** Default `crop`. */
  readonly name?: string;
  /** In which convention the model writes boxes. */
  readonly boxes: BoxConvention;
  /** Shortest side of a crop in pixels of the stored picture. Default 28. */
  readonly minSide?: number;
  /** Longest side by shortest side. Default 100. */
  readonly maxRatio?: number;
  /** Whether crops are squares, by the longer side. Default false. */
  readonly square?: boolean;
  /** Whether the model is told of what was repaired. Default true. */
  readonly notes?: boolean;
  /**
   * What is cut: `stored`, the picture as it is stored; `seen`, only what the model has seen already; `blank`, gray.
   * The last two are controls: they show whether the pixels help or the further turn. Default `stored`.
   */
  readonly from?: "stored" | "seen" | "blank";
}

export interface CropArguments extends PictureChoice {
  readonly bbox_2d: number[];
}

const schema = type({
  bbox_2d: "number[] == 4",
  "label?": "unknown",
  "image_index?": "number",
  "img_idx?": "number",
  "source?": "string",
});

/**
 * ```ts
 * const crop = createCropTool({ boxes: "resized-pixels" });
 * ```
 */
export function createCropTool(options: CropOptions): Tool<CropArguments> {
  const { name = "crop", boxes, minSide = 28, maxRatio = 100, square = false, notes = true, from = "stored" } = options;
  const rules: BoxRules = { convention: boxes, minSide, maxRatio, square };
  return {
    name,
    description: "Cuts a box out of a picture and shows it enlarged.",
    schema,
    parameters: {
      type: "object",
      properties: {
        bbox_2d: {
          type: "array",
          items: { type: "number" },
          minItems: 4,
          maxItems: 4,
          description: BOX_WORDS[boxes],
        },
        label: { type: "string", description: "What is looked for." },
        image_index: { type: "integer", description: "Which picture of the conversation, from 0. Default 0." },
      },
      required: ["bbox_2d"],
    },
    async call(args, context) {
      const index = chosenPicture(args, context);
      if (typeof index === "string") return { fault: index };
      const picture = context.pictures[index]!;
      const found = repairedBox(args.bbox_2d, picture, rules);
      if (typeof found === "string") return { fault: found };
      const { box, repairs } = found;
      const [x1, y1, x2, y2] = box.map((value, i) => (1000 * value) / (i % 2 === 0 ? picture.width : picture.height));
      const cut = cutOut(await picture.pixels(), box);
      return {
        ...(notes && repairs.length > 0 ? { text: `${repairs.join("; ")}.` } : {}),
        pictures: [from === "stored" ? cut : from === "seen" ? await asSeen(cut, box, picture) : blank(cut)],
        lookedAt: { picture: index, box: [x1!, y1!, x2!, y2!] },
      };
    },
  };
}

/** How coordinates are written, for the model. */
const BOX_WORDS: Readonly<Record<BoxConvention, string>> = {
  pixels: "[x1, y1, x2, y2] in pixels.",
  "resized-pixels": "[x1, y1, x2, y2] in pixels.",
  thousandths: "[x1, y1, x2, y2], 0 to 1000 of the picture's width and height.",
  "thousandths-999": "[x1, y1, x2, y2], 0 to 999 of the picture's width and height.",
  unit: "[x1, y1, x2, y2], 0 to 1 of the picture's width and height.",
  "yx-thousandths": "[y1, x1, y2, x2], 0 to 1000 of the picture's height and width.",
};

/** The pixels of a box. */
export function cutOut({ width, data }: RgbImage, [x1, y1, x2, y2]: readonly number[]): RgbImage {
  const [w, h] = [x2! - x1!, y2! - y1!];
  const out = new Uint8Array(w * h * 3);
  for (let row = 0; row < h; row++)
    out.set(data.subarray(3 * ((y1! + row) * width + x1!), 3 * ((y1! + row) * width + x2!)), 3 * row * w);
  return { width: w, height: h, data: out };
}

/** The crop with the detail that the model has seen already: made as small as it saw it. */
async function asSeen(cut: RgbImage, [x1, y1, x2, y2]: readonly number[], picture: ToolPicture): Promise<RgbImage> {
  const seen = (from: number, to: number, stored: number, size: number): number =>
    Math.max(1, Math.round(((to - from) * size) / stored));
  return resizeBicubic(
    cut,
    seen(x1!, x2!, picture.width, picture.seen.width),
    seen(y1!, y2!, picture.height, picture.seen.height),
  );
}

const blank = ({ width, height, data }: RgbImage): RgbImage => ({
  width,
  height,
  data: new Uint8Array(data.length).fill(127),
});
