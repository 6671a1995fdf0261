import { wrapText } from "@v-triune/errors";
import { type EngineReport, can } from "./probe-engine";
import { serverNames } from "../servers/server-kind";

const NAME_WIDTH = 13;
const STATUS_WIDTH = 9;

/** What a server can do, as a table of 80 columns. */
export function formatEngineReport(report: EngineReport): string {
  const { url, kind, version, model, models } = report;
  const lines = report.abilities.map(({ ability, status, detail }) => {
    const wrapped = wrapText(detail, 80, NAME_WIDTH + STATUS_WIDTH + 2);
    return `  ${ability.padEnd(NAME_WIDTH)}${status.padEnd(STATUS_WIDTH)}${wrapped}`;
  });
  const others = models.filter((name) => name !== model).slice(0, 4);
  const also = others.length === 0 ? "" : ` (also: ${others.join(", ")})`;
  return [
    `${serverNames[kind]}${version === null ? "" : ` ${version}`} at ${url}`,
    `  model        ${wrapText(`${model === "" ? "not named; give --model-name" : model}${also}`, 80, 15)}`,
    "",
    ...lines,
    "",
  ].join("\n");
}

/** The same in one line, for a run's log. */
export function engineLine(report: EngineReport): string {
  const { url, kind, version } = report;
  const lacks = report.abilities.filter(({ status }) => status !== "yes").map(({ ability }) => ability);
  const tokens = can(report, "token_ids")
    ? `token ids${can(report, "log_probs") ? " and log-probabilities" : ""}`
    : "text only, tokenized again";
  const name = `${serverNames[kind]}${version === null ? "" : ` ${version}`}`;
  return `Rollouts from ${name} at ${url}: ${tokens}${lacks.length === 0 ? "" : `; without ${lacks.join(", ")}`}`;
}
