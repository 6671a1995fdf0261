/**
 * A picture with its gold and predicted boxes drawn on it, for viewers that draw none: an SVG that holds the encoded
 * picture, so that no pixel is computed again.
 */
import type { DrawnBox, RolloutBoxes } from "../dashboard-api";
import type { Picture } from "./sample-picture";

const GOLD = "#0f8a3c";
const PREDICTED = "#c2187a";

const escaped = (text: string): string =>
  text.replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\p{Cc}/gu, " ");

function rectangle({ bbox: [x1, y1, x2, y2], label }: DrawnBox, width: number, height: number, style: string): string {
  const [left, right] = [Math.min(x1, x2), Math.max(x1, x2)].map((x) => (x / 1_000) * width) as [number, number];
  const [top, bottom] = [Math.min(y1, y2), Math.max(y1, y2)].map((y) => (y / 1_000) * height) as [number, number];
  const place = `x="${left.toFixed(2)}" y="${top.toFixed(2)}"`;
  const size = `width="${(right - left).toFixed(2)}" height="${(bottom - top).toFixed(2)}"`;
  return `<rect ${place} ${size} fill="none" ${style}><title>${escaped(label)}</title></rect>`;
}

/**
 * @param size of the picture as the model saw it, in pixels
 * @param boxes in thousandths of the picture; gold boxes are drawn solid, predicted ones dashed
 */
export function boxedPicture(
  { type, bytes }: Picture,
  { width, height }: { readonly width: number; readonly height: number },
  { gold, predicted }: Pick<RolloutBoxes, "gold" | "predicted">,
): string {
  const line = Math.max(1, Math.max(width, height) / 250).toFixed(2);
  const data = `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
  const solid = `stroke="${GOLD}" stroke-width="${line}"`;
  const dashed = `stroke="${PREDICTED}" stroke-width="${line}" stroke-dasharray="${4 * Number(line)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<image href="${data}" width="${width}" height="${height}" preserveAspectRatio="none"/>`,
    ...gold.map((box) => rectangle(box, width, height, solid)),
    ...predicted.map((box) => rectangle(box, width, height, dashed)),
    "</svg>",
  ].join("\n");
}
