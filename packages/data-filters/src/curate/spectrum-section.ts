/** The pass@k spectrum of a source on the report page. */
import type { PassSpectrum } from "./pass-spectrum";
import type { SourceReport } from "./report";

/** Numbers of answers that get bars of their own, those of the most rows. */
const MOST_HISTOGRAMS = 3;

/** HTML; empty for a source without judged answers. */
export function spectrumSection({ seen, blind }: Pick<SourceReport, "seen" | "blind">): string {
  const parts = [
    part("right answers per row", seen?.spectrum),
    part("right answers without the picture", blind?.spectrum),
  ];
  return parts.join("") === "" ? "" : `<div class="shapes">${parts.join("")}</div>`;
}

function part(title: string, spectrum: PassSpectrum | undefined): string {
  if (spectrum === undefined || spectrum.histograms.length === 0) return "";
  const { histograms, passAt } = spectrum;
  const shown = [...histograms].sort((a, b) => b.rows - a.rows || b.answers - a.answers).slice(0, MOST_HISTOGRAMS);
  const figures = shown.map(({ answers, rows, right }) => {
    const most = Math.max(1, ...right);
    const bars = right.map((count, correct) => {
      const width = ((100 * count) / most).toFixed(2);
      return `<div class="step"><span>${correct} of ${answers}</span><span class="track">
<i style="width:${width}%"></i></span>
<span class="n">${number(count)}</span></div>`;
    });
    return `<figure><figcaption>${title}: ${number(rows)} rows of ${answers}</figcaption>${bars.join("")}</figure>`;
  });
  const values = passAt.map(({ k, rows, value }) => `pass@${k} ${(100 * value).toFixed(1)} % (${number(rows)} rows)`);
  const note = `<p>${[values.join(", "), uneven(histograms)].filter(Boolean).join(". ")}.</p>`;
  return `${figures.join("")}<figure><figcaption>${title}: pass@k</figcaption>${note}</figure>`;
}

function uneven(histograms: PassSpectrum["histograms"]): string {
  const least = histograms[0];
  const most = histograms.at(-1);
  if (least === undefined || most === undefined || least === most) return "";
  const hidden = histograms.length - MOST_HISTOGRAMS;
  return (
    `Rows have ${least.answers} to ${most.answers} answers, so each pass@k is over the rows that have k` +
    (hidden > 0 ? `; ${hidden} rarer numbers of answers have no bars` : "")
  );
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
