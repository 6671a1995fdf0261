/**
 * `v-triune-monitor trackio`: a run folder in a trackio server, its numbers and, for some steps, a table of rollouts
 * with their pictures and boxes. `monitor.trackio` of the training's configuration sends the numbers while a run
 * trains.
 */
import { join } from "node:path";
import { DashboardError } from "../dashboard/dashboard-error";
import type { RolloutGroup } from "../dashboard/dashboard-api";
import { boxedPicture } from "../dashboard/rollouts/boxed-picture";
import { RolloutReader } from "../dashboard/rollouts/rollout-reader";
import type { Picture } from "../dashboard/rollouts/sample-picture";
import type { RunView } from "../dashboard/run-folder/run-view";
import type { MetricRecord } from "../metric-record";
import { readMetricRecords } from "../metrics-file";
import { trackioLogs } from "../sinks/trackio";
import { createTrackioClient, type TrackioClient } from "../sinks/trackio-client";
import { openRun } from "./open-run";

export interface SendOptions {
  readonly url: string;
  /** Default "v-triune". */
  readonly project?: string | undefined;
  /** Steps whose rollouts are sent. Default the first, the middle and the last that are stored. */
  readonly steps?: readonly number[] | undefined;
  /** Prompts per step. Default 16. */
  readonly groupsPerStep?: number | undefined;
}

export interface SendResult {
  readonly project: string;
  readonly run: string;
  readonly steps: number;
  readonly rollouts: number;
  readonly pictures: number;
}

/** Steps of numbers in one request. */
const BATCH = 50;
/** A picture and its rollouts may take their time. */
const TIMEOUT = 60_000;

/**
 * @param folder one run folder
 * @throws DashboardError when the folder is no run, or the server does not take it
 */
export async function sendToTrackio(folder: string, options: SendOptions): Promise<SendResult> {
  const run = await openRun(folder);
  const stored = await run.rolloutSteps();
  const steps =
    options.steps ??
    [...new Set([stored[0], stored[stored.length >> 1], stored.at(-1)])].filter((step) => step !== undefined);
  const missing = steps.find((step) => !stored.includes(step));
  if (missing !== undefined)
    throw new DashboardError({
      what: "The run has no rollouts of this step.",
      where: "--steps",
      expected: stored.length === 0 ? "none: it has stored no rollouts" : `one of ${stored.slice(0, 8).join(", ")}`,
      found: String(missing),
    });
  const project = options.project ?? "v-triune";
  const name = run.id;
  try {
    const client = createTrackioClient({ url: options.url, timeout: TIMEOUT });
    const sent = await sendMetrics(client, run, { project, name });
    const tables = { rollouts: 0, pictures: 0 };
    const reader = new RolloutReader();
    try {
      for (const step of steps) {
        const table = await rolloutTable(client, reader, run, {
          project,
          name,
          step,
          groups: options.groupsPerStep ?? 16,
        });
        tables.rollouts += table.rows.length;
        tables.pictures += table.pictures;
        await client.log([
          {
            project,
            run: name,
            step,
            metrics: { rollouts: { _type: "trackio.table", _value: table.rows } },
            log_id: `${name} rollouts ${step}`,
          },
        ]);
      }
    } finally {
      await reader.close();
    }
    return { project, run: name, steps: sent, ...tables };
  } catch (cause) {
    if (cause instanceof DashboardError) throw cause;
    throw new DashboardError({
      what: "The trackio server did not take the run.",
      where: options.url,
      found: (cause as Error).message,
      fix: "start it with trackio.show(), and pass the address with its write_token (or set TRACKIO_WRITE_TOKEN)",
      cause,
    });
  }
}

async function sendMetrics(
  client: TrackioClient,
  run: RunView,
  { project, name }: { readonly project: string; readonly name: string },
): Promise<number> {
  const { config } = await run.detail();
  const sent = new Set<number>();
  let records: MetricRecord[] = [];
  const send = async (): Promise<void> => {
    const logs = trackioLogs(records, { project, runName: name, config, id: name });
    if (logs.length > 0) await client.log(logs);
    records = [];
  };
  for await (const record of readMetricRecords(join(run.folder, "metrics.jsonl"))) {
    if (records.length > 0 && records.at(-1)!.step !== record.step) {
      sent.add(records.at(-1)!.step);
      if (new Set(records.map(({ step }) => step)).size >= BATCH) await send();
    }
    records.push(record);
  }
  if (records.length > 0) sent.add(records.at(-1)!.step);
  await send();
  return sent.size;
}

interface TableQuestion {
  readonly project: string;
  readonly name: string;
  readonly step: number;
  readonly groups: number;
}

async function rolloutTable(
  client: TrackioClient,
  reader: RolloutReader,
  run: RunView,
  { project, name, step, groups }: TableQuestion,
): Promise<{ readonly rows: Record<string, unknown>[]; readonly pictures: number }> {
  const rows: Record<string, unknown>[] = [];
  let pictures = 0;
  const first = (await reader.list(run, { step, limit: 1 })).rows[0];
  for (let group = first?.group ?? null, taken = 0; group !== null && taken < groups; taken += 1) {
    const found: Picture[] = [];
    const read: RolloutGroup | undefined = await reader.group(run, step, group, (index, picture) => {
      found[index] = picture;
      return "";
    });
    if (read === undefined) break;
    group = read.next;
    for (const rollout of read.rollouts) {
      const [picture, size] = [found[0], read.pictures[0]];
      let image: object | null = null;
      if (picture !== undefined && size !== undefined) {
        const svg = boxedPicture(picture, size, rollout.boxes ?? { gold: [], predicted: [] });
        const file = `group-${read.group}-answer-${rollout.sample}.svg`;
        image = await client.uploadPicture({ project, run: name, step }, file, Buffer.from(svg));
        pictures += 1;
      }
      rows.push({
        source: read.source,
        id: read.id,
        picture: image,
        prompt: read.prompt,
        gold: read.groundTruth,
        answer: rollout.response,
        reward: rollout.reward,
        advantage: rollout.advantage,
        status: rollout.status,
        tokens: rollout.responseTokens,
      });
    }
  }
  return { rows, pictures };
}
