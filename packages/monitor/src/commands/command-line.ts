/** The command line of `v-triune-monitor`, and its help. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { nearest } from "@v-triune/errors";
import packageJson from "../../package.json" with { type: "json" };
import { DashboardError } from "../dashboard/dashboard-error";
import { openInBrowser } from "../dashboard/server/open-in-browser";
import { DEFAULT_PORT, FURTHER_PORTS, startDashboard } from "../dashboard/server/start-dashboard";
import { serveMcp } from "../mcp/serve-mcp";
import { importRun } from "./imports/import-run";
import { deleteRun, keepTrash, labelRun } from "./keep-runs";
import { makeReport } from "./make-report";
import { changesText, windowOf } from "./print-changes";
import { sendToTrackio } from "./send-to-trackio";
import { formatTable, openQuery, type TableFormat } from "../query/query-runs";

/** `v-triune-monitor --help` */
export const HELP = `v-triune-monitor: which source is going wrong, while it is going wrong

  v-triune-monitor [runs/ ..]
      The dashboard, over run folders or folders of them.
      --port 6070         default 6070, or the next free one; 0: any
      --host 127.0.0.1    the address to listen on
      --allow-host NAME   another name under which the page may be opened
      --no-open           do not start a browser
      --read-only         no labels, no deleting from the page
  v-triune-monitor report runs/mine -o report.html
      One file to send to a colleague.
      --steps 1,40,80     steps with rollouts (default: first, middle, last)
  v-triune-monitor changes runs/mine --since 20
      What got worse since a step, by source and task: rewards with a 95%
      interval, lengths, cut answers, errors. The same number of steps before.
      --before 1-20 --after 21-40     these steps instead
      --answers NAME      answers of a source or task, before and after
      --json              everything, for programs
      --seed 1            of the bootstrap
  v-triune-monitor query "select .." [runs/ ..]
      SQL (DuckDB's) over rollouts, metrics and changes(20).
      --format table|csv|jsonl
  v-triune-monitor import FILE.. -o runs/theirs
      A run folder from what another trainer wrote: verl's file logger, TRL's
      trainer_state.json and completions/, ms-swift's logging.jsonl, an export
      of W&B's history (JSON Lines, CSV, Parquet; OpenRLHF logs there).
      --run NAME          the run of a W&B chart's CSV that has several
  v-triune-monitor trackio runs/mine --url "http://.../?write_token=.."
      The run in a trackio server: numbers, and a table of rollouts with
      pictures and boxes. The address is what trackio.show() prints.
      --project v-triune  --steps 1,40,80     as of report
  v-triune-monitor label runs/mine --title "the one with the fix" --tags good,a
      Title, tags and note of a run, as the page shows them (monitor.json in the
      run's folder). Without options, prints them.
      --note ".."         --archive, --unarchive
  v-triune-monitor delete runs/mine
      Moves a run that nothing writes to into .trash beside it.
  v-triune-monitor trash [runs/ ..]
      What was deleted.
      --restore NAME      moves a run back
      --empty             erases all of it for good
  v-triune-monitor mcp [runs/ ..]
      Runs for agents and editors that speak the Model Context Protocol, over
      stdio; reads only. Needs npm install @modelcontextprotocol/server@2.

The dashboard listens on this machine only. It never writes into what a run
wrote. For a run on a server: ssh -L 6070:localhost:6070 server
With --host, others only read, unless V_TRIUNE_MONITOR_TOKEN holds a token that
the page then asks them for.

--version prints the version.
`;

const COMMANDS = ["report", "changes", "query", "import", "trackio", "label", "delete", "trash", "mcp"];
const FORMATS: readonly TableFormat[] = ["table", "csv", "jsonl"];

/** Where a command writes: its result, and messages beside it. */
export interface CommandOutput {
  readonly out: (text: string) => void;
  readonly tell: (text: string) => void;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
        port: { type: "string" },
        host: { type: "string" },
        "allow-host": { type: "string", multiple: true },
        "no-open": { type: "boolean" },
        output: { type: "string", short: "o" },
        steps: { type: "string" },
        format: { type: "string" },
        since: { type: "string" },
        before: { type: "string" },
        after: { type: "string" },
        answers: { type: "string" },
        json: { type: "boolean" },
        seed: { type: "string" },
        run: { type: "string" },
        url: { type: "string" },
        project: { type: "string" },
        "read-only": { type: "boolean" },
        title: { type: "string" },
        tags: { type: "string" },
        note: { type: "string" },
        archive: { type: "boolean" },
        unarchive: { type: "boolean" },
        restore: { type: "string" },
        empty: { type: "boolean" },
      },
    });
  } catch (cause) {
    throw new DashboardError({
      what: "The command line cannot be understood.",
      found: (cause as Error).message.replace(/\. .*/s, ""),
      fix: "see v-triune-monitor --help",
      cause,
    });
  }
}

function wholeNumber(name: string, text: string, largest: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > largest) {
    throw new DashboardError({
      what: `The option ${name} cannot be used.`,
      expected: `a whole number from 0 to ${largest}`,
      found: text === "" ? "nothing" : text,
    });
  }
  return value;
}

function existing(folders: readonly string[]): readonly string[] {
  for (const folder of folders) {
    if (!existsSync(folder))
      throw new DashboardError({
        what: "A file or folder is missing.",
        where: folder,
        expected: "a run folder, or a folder of them",
        fix: "check the path",
      });
  }
  return folders;
}

/** Fulfilled when the process is asked to end. */
const signaled = (): Promise<unknown> =>
  Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), once(process, "SIGHUP")]);

/**
 * Runs a command line. The dashboard ends with SIGINT or SIGTERM.
 *
 * @returns the exit status
 * @throws DashboardError for what a person can fix
 */
export async function runCommandLine(args: readonly string[], { out, tell }: CommandOutput): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    out(HELP);
    return 0;
  }
  if (values.version) {
    out(`${packageJson.version}\n`);
    return 0;
  }
  const [command, ...rest] = positionals;
  if (command === "report") {
    const [folder] = existing(rest);
    if (folder === undefined || rest.length > 1)
      throw new DashboardError({
        what: "report takes one run folder.",
        fix: "run v-triune-monitor report runs/mine -o report.html",
      });
    const path = values.output ?? "report.html";
    const steps = values.steps?.split(",").map((step) => wholeNumber("--steps", step, 1e12));
    const html = await makeReport(folder, { madeAt: new Date(), steps });
    await writeFile(path, html);
    tell(`${path}: ${(html.length / 1e6).toFixed(1)} MB, opens in any browser\n`);
    return 0;
  }
  if (command === "changes") {
    const [folder] = existing(rest);
    if (folder === undefined || rest.length > 1)
      throw new DashboardError({
        what: "changes takes one run folder.",
        fix: "run v-triune-monitor changes runs/mine --since 20",
      });
    const { since, before, after, answers, json, seed } = values;
    out(
      await changesText(folder, {
        since: since === undefined ? undefined : wholeNumber("--since", since, 1e12),
        before: before === undefined ? undefined : windowOf("--before", before),
        after: after === undefined ? undefined : windowOf("--after", after),
        seed: seed === undefined ? undefined : wholeNumber("--seed", seed, 2 ** 32 - 1),
        answers,
        json,
      }),
    );
    return 0;
  }
  if (command === "query") {
    const [sql, ...folders] = rest;
    if (sql === undefined)
      throw new DashboardError({
        what: "query takes a statement.",
        fix: 'run v-triune-monitor query "select data_source, avg(reward) from rollouts group by 1" runs/mine',
      });
    const format = FORMATS.find((one) => one === (values.format ?? "table"));
    if (format === undefined)
      throw new DashboardError({
        what: "The format of the table is unknown.",
        where: "--format",
        expected: `one of ${FORMATS.join(", ")}`,
        found: values.format,
      });
    const query = await openQuery(existing(folders.length === 0 ? ["runs"] : folders), (message) =>
      tell(`${message}\n`),
    );
    try {
      out(formatTable(await query.run(sql), format));
    } finally {
      query.close();
    }
    return 0;
  }
  if (command === "import") {
    if (rest.length === 0)
      throw new DashboardError({
        what: "import takes a file of metrics, or completions, or both.",
        fix: "run v-triune-monitor import trainer_state.json completions/ -o runs/theirs",
      });
    const result = await importRun(rest, { folder: values.output, run: values.run });
    const rollouts = result.rolloutSteps > 0 ? `, rollouts of ${result.rolloutSteps} steps` : "";
    tell(
      `${result.folder}: ${result.records} records of ${result.steps} steps${rollouts}, read as ${result.dialect}'s\n` +
        `${result.notes.map((note) => `Note: ${note}\n`).join("")}See it: v-triune-monitor ${result.folder}\n`,
    );
    return 0;
  }

  if (command === "trackio") {
    const [folder] = existing(rest);
    const { url, project } = values;
    if (folder === undefined || rest.length > 1 || url === undefined || !URL.canParse(url))
      throw new DashboardError({
        what: "trackio takes one run folder and the address of a server.",
        found: url === undefined ? undefined : `--url ${url}`,
        fix: 'run v-triune-monitor trackio runs/mine --url "http://127.0.0.1:7860/?write_token=.."',
      });
    const steps = values.steps?.split(",").map((step) => wholeNumber("--steps", step, 1e12));
    const sent = await sendToTrackio(folder, { url, project, steps });
    tell(
      `${sent.run} is in the project ${sent.project}: ${sent.steps} steps, ${sent.rollouts} rollouts with ` +
        `${sent.pictures} pictures\n`,
    );
    return 0;
  }

  if (command === "label" || command === "delete") {
    const [folder] = existing(rest);
    const { title, tags, note, archive, unarchive } = values;
    if (folder === undefined || rest.length > 1 || (archive && unarchive))
      throw new DashboardError({
        what: archive && unarchive ? "A run is archived or it is not." : `${command} takes one run folder.`,
        fix: `run v-triune-monitor ${command} runs/mine${command === "label" ? " --tags good" : ""}`,
      });
    const archived = archive ? true : unarchive ? false : undefined;
    if (command === "label") out(await labelRun(folder, { title, tags, note, archived }));
    else tell(await deleteRun(folder));
    return 0;
  }

  if (command === "trash") {
    const { restore, empty } = values;
    const text = await keepTrash(rest.length === 0 ? ["runs"] : rest, { restore, empty });
    if (restore === undefined && !empty) out(text);
    else tell(text);
    return 0;
  }

  if (command === "mcp") {
    const ended = Promise.race(["end", "close"].map((event) => once(process.stdin, event)));
    await serveMcp(
      existing(rest.length === 0 ? ["runs"] : rest),
      packageJson.version,
      Promise.race([ended, signaled()]),
    );
    return 0;
  }

  const misspelled = positionals.length > 0 && !existsSync(command!) ? nearest(command!, COMMANDS) : null;
  if (misspelled !== null)
    throw new DashboardError({
      what: "There is no such command, and no such folder.",
      found: command,
      fix: `did you mean ${misspelled}? See v-triune-monitor --help`,
    });
  const folders = existing(positionals.length === 0 ? ["runs"] : positionals);
  const host = values.host;
  const dashboard = await startDashboard({
    folder: folders,
    ...(values.port === undefined
      ? { furtherPorts: FURTHER_PORTS }
      : { port: wholeNumber("--port", values.port, 65_535) }),
    ...(host === undefined ? {} : { host }),
    allowedHosts: values["allow-host"] ?? [],
    readOnly: values["read-only"] ?? false,
    editToken: process.env["V_TRIUNE_MONITOR_TOKEN"] || undefined,
  });
  out(`${dashboard.url}\n`);
  if (values.port === undefined && dashboard.port !== DEFAULT_PORT)
    tell(`Port ${DEFAULT_PORT} is taken, so it is ${dashboard.port}.\n`);
  tell(
    dashboard.runs.length === 0
      ? "No run yet; one shows as soon as it begins.\n"
      : `${dashboard.runs.length === 1 ? "1 run" : `${dashboard.runs.length} runs`}. Ctrl-C ends the dashboard, not the run.\n`,
  );
  if (host !== undefined && !["127.0.0.1", "localhost", "::1"].includes(host))
    tell(`Everyone who can reach ${host} can read these runs: prompts, pictures, answers.\n`);
  if (!values["no-open"]) openInBrowser(dashboard.url);
  await signaled();
  await dashboard.close();
  return 0;
}
