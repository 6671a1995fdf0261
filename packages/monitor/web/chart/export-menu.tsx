/** Downloads of a chart: CSV has the numbers as recorded, SVG and PNG show the chart as it is seen. */
import { useRef } from "preact/hooks";
import { useSurroundings } from "../use-data";
import { seriesCsv, seriesSvg } from "./export-series";
import { lineColors } from "./line-colors";
import type { Line } from "./lines";

interface ExportMenuProps {
  readonly title: string;
  readonly recorded: readonly Line[];
  readonly drawn: readonly Line[];
}

export function ExportMenu({ title, recorded, drawn }: ExportMenuProps) {
  const { dark } = useSurroundings();
  const menu = useRef<HTMLElement>(null);
  const name = title.replace(/[^a-z0-9]+/gi, "-").toLowerCase() || "chart";
  const csv = (): void => download(`${name}.csv`, new Blob([seriesCsv(recorded)], { type: "text/csv" }));
  const svg = (): void => {
    const labels = drawn.map(({ label }) => label);
    const text = seriesSvg(title, drawn, lineColors(labels, false));
    download(`${name}.svg`, new Blob([text], { type: "image/svg+xml" }));
  };
  const png = (): void => {
    const canvas = menu.current?.closest(".chart")?.querySelector("canvas");
    if (canvas) onBackground(canvas, dark).toBlob((blob) => blob && download(`${name}.png`, blob));
  };
  return (
    <span class="export" ref={menu}>
      {Object.entries({ CSV: csv, SVG: svg, PNG: png }).map(([label, action]) => (
        <button key={label} class="small" aria-label={`${title} as ${label}`} onClick={action}>
          {label}
        </button>
      ))}
    </span>
  );
}

/** A copy of a canvas, which is transparent, on the page's background. */
function onBackground(canvas: HTMLCanvasElement, dark: boolean): HTMLCanvasElement {
  const copy = document.createElement("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  const context = copy.getContext("2d")!;
  context.fillStyle = dark ? "#14171c" : "#ffffff";
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  return copy;
}

/** Lets the browser save a file. */
function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
