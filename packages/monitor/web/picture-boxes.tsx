import { useState } from "preact/hooks";
import type { DrawnBox, RolloutBoxes, RolloutGroup } from "../src/dashboard/dashboard-api";
import { shortNumber } from "./format";

interface Pair {
  readonly key: string;
  readonly gold: DrawnBox | undefined;
  readonly predicted: DrawnBox | undefined;
  readonly iou: number | null;
}

/** Matched pairs first, then gold boxes that were missed, then predictions of nothing. */
function pairs({ gold, predicted, matches }: RolloutBoxes): Pair[] {
  return [
    ...matches.map((match) => ({
      key: `${match.gold}-${match.predicted}`,
      gold: gold[match.gold],
      predicted: predicted[match.predicted],
      iou: match.iou,
    })),
    ...gold.flatMap((box, index) =>
      matches.some((match) => match.gold === index)
        ? []
        : [{ key: `gold ${index}`, gold: box, predicted: undefined, iou: null }],
    ),
    ...predicted.flatMap((box, index) =>
      matches.some((match) => match.predicted === index)
        ? []
        : [{ key: `predicted ${index}`, gold: undefined, predicted: box, iou: null }],
    ),
  ];
}

interface PictureBoxesProps {
  readonly pictures: RolloutGroup["pictures"];
  readonly boxes: RolloutBoxes | null;
  /** There is no answer whose boxes could be missing. Default false. */
  readonly goldOnly?: boolean;
}

/** The pictures of a prompt; the boxes are those of the first. */
export function PictureBoxes({ pictures, boxes, goldOnly = false }: PictureBoxesProps) {
  const [active, setActive] = useState<string | null>(null);
  const rows = boxes === null ? [] : pairs(boxes);
  return (
    <>
      {pictures.map(({ width, height, source }, index) => (
        <div
          class="picture"
          key={index}
          style={{
            aspectRatio: `${width} / ${height}`,
            maxWidth: `${Math.round(Math.min(560, (440 * width) / height))}px`,
          }}
        >
          {source === null ? (
            <p class="muted">The picture is not at hand: its data set could not be read.</p>
          ) : (
            <img src={source} alt={`Picture ${index + 1} of the prompt`} class={width < 200 ? "small-picture" : ""} />
          )}
          {index === 0 &&
            rows.map((row) => (
              <>
                {row.gold && <BoxFrame box={row.gold} kind="gold" row={row} active={active} onActive={setActive} />}
                {row.predicted && (
                  <BoxFrame box={row.predicted} kind="predicted" row={row} active={active} onActive={setActive} />
                )}
              </>
            ))}
        </div>
      ))}
      {rows.length > 0 && (
        <table class="boxes">
          <caption>
            <span class="key gold" /> gold
            {!goldOnly && (
              <>
                {" "}
                <span class="key predicted" /> predicted
              </>
            )}
            ; thousandths of the picture
          </caption>
          <thead>
            <tr>
              <th>Label</th>
              <th>Gold</th>
              {!goldOnly && (
                <>
                  <th>Predicted</th>
                  <th class="number">IoU</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr
                key={row.key}
                class={active === row.key ? "active" : ""}
                onMouseEnter={() => setActive(row.key)}
                onMouseLeave={() => setActive(null)}
              >
                <td>{row.gold?.label ?? row.predicted?.label}</td>
                <td>{row.gold?.bbox.join(", ") ?? <span class="bad">none</span>}</td>
                {!goldOnly && (
                  <>
                    <td>{row.predicted?.bbox.join(", ") ?? <span class="bad">missed</span>}</td>
                    <td class="number">{shortNumber(row.iou)}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

interface BoxFrameProps {
  readonly box: DrawnBox;
  readonly kind: "gold" | "predicted";
  readonly row: Pair;
  readonly active: string | null;
  readonly onActive: (key: string | null) => void;
}

function BoxFrame({ box, kind, row, active, onActive }: BoxFrameProps) {
  const [x1, y1, x2, y2] = box.bbox;
  const isActive = active === row.key;
  return (
    <div
      class={`box ${kind} ${isActive ? "active" : ""}`}
      data-box={box.bbox.join(" ")}
      style={{ left: `${x1 / 10}%`, top: `${y1 / 10}%`, width: `${(x2 - x1) / 10}%`, height: `${(y2 - y1) / 10}%` }}
      onMouseEnter={() => onActive(row.key)}
      onMouseLeave={() => onActive(null)}
    >
      {isActive && (
        <span class="box-label">
          {kind} {box.label}
          {row.iou !== null && `, IoU ${shortNumber(row.iou)}`}
        </span>
      )}
    </div>
  );
}
