/** For tests: copies of the recorded run, and a run folder as an attacker or a crash would leave it. */
import { cp, mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";

const RECORDED = fileURLToPath(new URL("../../../test-data/", import.meta.url));

/**
 * Copies the recorded run, so that a test may add to it.
 *
 * @param parent gets `name/` and the data set it was trained on
 * @returns the run folder
 */
export async function copyRecordedRun(parent: string, name = "demo"): Promise<string> {
  const folder = join(parent, name);
  await cp(join(RECORDED, "run"), folder, { recursive: true });
  const data = join(parent, ".recorded");
  await cp(join(RECORDED, "data"), join(data, "data"), { recursive: true });
  const description = await readFile(join(folder, "run.json"), "utf8");
  await writeFile(join(folder, "run.json"), description.replaceAll("RECORDED", data.replaceAll("\\", "/")));
  return folder;
}

/**
 * Copies the recorded run and gives the answers of its step 2 six turns: five looks at the picture, each with what it
 * showed, and the answer.
 */
export async function copyRunWithTurns(parent: string, name: string): Promise<string> {
  const folder = await copyRecordedRun(parent, name);
  const turns = Array.from({ length: 6 }, (_, turn) => ({
    text: turn < 5 ? `<tool_call>{"name": "crop", "arguments": {}}</tool_call>` : "<answer>\n7\n</answer>",
    tokens: 14,
    shownTokens: turn < 5 ? 22 : 0,
    calls:
      turn === 5
        ? []
        : [
            {
              tool: "crop",
              arguments: { bbox_2d: [8 * turn, 8, 8 * turn + 28, 36] },
              text: turn === 4 ? "error: the box is outside of the picture" : "",
              ...(turn === 4
                ? { fault: "the box is outside of the picture" }
                : { lookedAt: { picture: turn === 3 ? 1 : 0, box: [100 * turn, 100, 100 * turn + 300, 400] } }),
              pictures: turn === 4 ? [] : [{ width: 84, height: 84, image: turn }],
            },
          ],
  }));
  const file = join(folder, "rollouts", "step-000002.parquet");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await connection.run(
      `create table rollouts as select *, $conversation as conversation,
         (select [images[1].bytes, images[1].bytes, images[1].bytes, images[1].bytes] from read_parquet('${RECORDED}data/*.parquet') limit 1)
           as observation_images
       from read_parquet('${file}')`,
      { conversation: JSON.stringify({ end: "answer", turns }) },
    );
    await connection.run(`copy rollouts to '${file}' (format parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  return folder;
}

/** Markup that would run, were it not shown as text. */
export const HOSTILE_TEXT = `</script><script>window.hacked = true</script><img src=x onerror="window.hacked = true"><svg onload="window.hacked = true">`;

/** Writes a run whose every text is hostile, whose numbers are not finite, and whose files are broken off. */
export async function writeHostileRun(parent: string, name = "hostile"): Promise<string> {
  const folder = join(parent, name);
  await mkdir(join(folder, "rollouts"), { recursive: true });
  const secret = join(parent, "secret.txt");
  await writeFile(secret, "not for the page");
  const data = [
    { path: join(folder, "samples.parquet") },
    { path: "http://192.0.2.1/data.parquet" },
    { path: "/etc/passwd" },
  ];
  await writeFile(
    join(folder, "run.json"),
    JSON.stringify({
      format: 1,
      name: HOSTILE_TEXT,
      seed: 1,
      backend: HOSTILE_TEXT,
      versions: { [HOSTILE_TEXT]: HOSTILE_TEXT },
      createdAt: HOSTILE_TEXT,
      config: { run: { steps: 9 }, data: { train: data }, [HOSTILE_TEXT]: HOSTILE_TEXT },
    }),
  );
  const record = (step: number, scope: string, source: string, metrics: string): string =>
    `{"step":${step},"split":"train","scope":"${scope}","name":${JSON.stringify(source)},"task":${JSON.stringify(HOSTILE_TEXT)},"metrics":{${metrics}},"reasons":{${JSON.stringify(HOSTILE_TEXT)}:3}}`;
  const lines = [
    record(1, "source", HOSTILE_TEXT, '"critic/rewards/mean":0.5,"__proto__":1,"constructor":2'),
    record(1, "source", "__proto__", '"critic/rewards/mean":"NaN"'),
    record(1, "all", "all", '"critic/rewards/mean":"NaN","actor/grad_norm":1e308'),
    "not a record",
    '{"step": 2}',
    record(4, "source", HOSTILE_TEXT, '"critic/rewards/mean":"NaN"'),
    record(4, "all", "all", '"critic/rewards/mean":"Infinity","actor/grad_norm":"-Infinity"'),
    record(7, "source", HOSTILE_TEXT, '"critic/rewards/mean":0.1'),
    record(7, "all", "all", '"critic/rewards/mean":0.25,"actor/grad_norm":2'),
  ];
  await writeFile(join(folder, "metrics.jsonl"), `${lines.join("\n")}\n{"step":8,"split":"train","scope":"all","na`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const rows = (group: number, response: string): string =>
      `select 7 step, ${group} group_index, 0 sample_index, $text data_source, $text task, $text || '/${group}' id, $text prompt, ${response} response, $text ground_truth, []::VARCHAR[] image_paths,
       [[84, 84]]::INTEGER[][] image_sizes, 5 prompt_tokens, 9 response_tokens, 0 stripped_tokens, true truncated, 'error' status, $text reason, null::DOUBLE accuracy, null::DOUBLE format,
       'nan'::DOUBLE reward, 'infinity'::DOUBLE advantage, map(['x'], ['nan'::DOUBLE]) metrics, [1]::INTEGER[] token_ids`;
    await connection.run(
      `copy (${rows(0, "$text")} union all ${rows(1, "repeat('<b>', 350000)")}) to ` +
        `'${join(folder, "rollouts", "step-000007.parquet").replaceAll("'", "''")}' (format parquet)`,
      { text: HOSTILE_TEXT },
    );
    await connection.run(
      `copy (select $text data_source, [{bytes: null::BLOB, path: $secret}] images, {ground_truth: 'x', accuracy_ratio: 1.0, format_ratio: 0.1, verifier_parm: {det_verifier_normalized: true, det_reward_ratio: {map: 0.0}}} reward_model, {id: '0'} extra_info)
       to '${join(folder, "samples.parquet").replaceAll("'", "''")}' (format parquet)`,
      { text: HOSTILE_TEXT, secret },
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  await writeFile(join(folder, "rollouts", "step-000008.parquet"), "PAR1 and then nothing");
  return folder;
}

/** A file of the given size that takes no room on the disk. */
export async function writeSparseFile(path: string, bytes: number): Promise<void> {
  await writeFile(path, "");
  await truncate(path, bytes);
}
