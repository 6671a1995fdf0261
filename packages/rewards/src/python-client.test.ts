import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { resolve } from "node:path";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import builtinVerifiers from "./builtin-verifiers";
import { createLocalRewardSource } from "./local-reward-source";
import { collectRewards } from "./reward-source";
import { ScoreRequestError, readScoreRequests } from "./score-contract";

const FOLDER = resolve(import.meta.dirname, "../python");
const PYTHON = process.env["PYTHON"] ?? "python3";
const present = spawnSync(PYTHON, ["--version"]).status === 0;
if (!present)
  console.warn(`skipped: the Python client, there is no ${PYTHON} (install Python 3.8 or later, or set PYTHON)`);

/** A reward server with what the client needs: /v1/score, a token, and faults on demand. */
function testServer(): Server & { requests: number; faults: number[] } {
  const source = createLocalRewardSource(createVerifierRegistry(builtinVerifiers()));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      server.requests++;
      const fault = server.faults.shift();
      if (fault === -1) return void request.socket.destroy();
      const reply = (status: number, body: unknown) =>
        response
          .writeHead(status, { "content-type": "application/json", ...(status === 503 && { "retry-after": "0" }) })
          .end(JSON.stringify(body));
      if (fault !== undefined) return void reply(fault, { error: "on demand" });
      if (request.headers.authorization !== "Bearer secret") return void reply(401, { error: "token" });
      let requests;
      try {
        requests = readScoreRequests(JSON.parse(Buffer.concat(chunks).toString()));
      } catch (error) {
        if (!(error instanceof ScoreRequestError)) throw error;
        return void reply(400, { error: error.message });
      }
      void collectRewards(source, requests).then(
        (results) => reply(200, { results }),
        (error: unknown) => reply(404, { error: String(error) }),
      );
    });
  }) as Server & { requests: number; faults: number[] };
  return Object.assign(server, { requests: 0, faults: [] as number[] });
}

describe("v-triune-rewards", () => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [resolve(FOLDER, "../bin/v-triune-rewards.mjs"), ...words], { encoding: "utf8" });

  it("prints the client, and its usage for anything else", () => {
    expect(run("python-client").stdout).toBe(readFileSync(resolve(FOLDER, "v_triune_reward.py"), "utf8"));
    expect(run("pyton-client")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /unknown command "pyton-client"[^]*usage: v-triune-rewards python-client/,
      ) as unknown,
    });
    expect(run("--help").status).toBe(0);
  });
});

describe.skipIf(!present)("v_triune_reward.py", () => {
  const server = testServer();
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  /** Runs a script that prints one JSON value. */
  async function python(script: string, urls = url): Promise<unknown> {
    const env = {
      ...process.env,
      PYTHONPATH: FOLDER,
      PYTHONDONTWRITEBYTECODE: "1",
      V_TRIUNE_REWARD_URL: urls,
      V_TRIUNE_REWARD_TOKEN: "secret",
    };
    const { stdout } = await promisify(execFile)(
      PYTHON,
      ["-W", "error", "-c", `import asyncio, json\nimport v_triune_reward as v\n${script}`],
      { env },
    );
    return JSON.parse(stdout);
  }
  const MATH =
    '{"response": "\\\\boxed{4}", "verifier": "mathverify", "ground_truth": "\\\\boxed{4}", "format_ratio": 0}';

  it("scores batches in order, over kept connections", async () => {
    server.requests = 0;
    const found = await python(`
c = v.RewardClient(batch=4)
good = ${MATH}
rs = c.score([{**good, "ground_truth": "\\\\boxed{%d}" % (i % 3 + 3)} for i in range(10)])
many = asyncio.run(c.score_async([good] * 9))
print(json.dumps([[r["reward"] for r in rs], len(many), c.score([])]))`);
    expect(found).toEqual([[0, 1, 0, 0, 1, 0, 0, 1, 0, 0], 9, []]);
    expect(server.requests).toBe(6);
  });

  it("tries again after faults, also on another server, and gives up with the last one", async () => {
    server.faults.push(503, -1, 502);
    expect(await python(`print(v.RewardClient().score([${MATH}])[0]["reward"])`)).toBe(1);
    expect(server.faults).toEqual([]);
    expect(await python(`print(v.RewardClient().score([${MATH}])[0]["reward"])`, `http://127.0.0.1:9,${url}`)).toBe(1);
    const given = (await python(`
try:
    v.RewardClient("http://127.0.0.1:9", retries=1).score([${MATH}])
except v.RewardError as e:
    print(json.dumps(str(e)))`)) as string;
    expect(given).toContain("no reward server answered after 2 tries");
  });

  it("does not try again what the server refuses", async () => {
    server.requests = 0;
    const said = await python(`
out = []
for bad in ({"response": 4}, None):
    try:
        v.RewardClient(token=None if bad else "wrong").score([bad or ${MATH}])
    except v.RewardError as e:
        out.append(str(e))
print(json.dumps(out))`);
    expect(said).toEqual([
      expect.stringContaining("requests[0].response: a string or content parts expected, found 4"),
      expect.stringContaining("HTTP 401"),
    ]);
    expect(server.requests).toBe(2);
  });

  it("is verl's compute_score: one request for calls that arrive together, the same keys in every row", async () => {
    server.requests = 0;
    const found = await python(`
box = "[{'bbox_2d': [0, 0, 10, 10], 'label': 'cat'}]"
async def main():
    math = {"reward_model": {"verifier": "mathverify", "format_ratio": 0.0, "verifier_parm": {"det_reward_ratio": None}}}
    det = {"verifier": "detection", "verifier_parm": json.dumps({"det_verifier_normalized": False})}
    return await asyncio.gather(
        v.compute_score("mm_math", "\\\\boxed{4}", "\\\\boxed{4}", math, metrics=["size_penalty"]),
        v.compute_score("coco", "x\\n<answer>\\n" + box + "\\n</answer>", "<answer>\\n" + box + "\\n</answer>", det, metrics=["size_penalty"], epsilon=0.5),
        v.compute_score("mm_math", "\\\\boxed{4}", "", math, metrics=["size_penalty"]))
print(json.dumps(asyncio.run(main())))`);
    expect(found).toEqual([
      { score: 1, accuracy: 1, format: 0, scored: 1, error: 0, undecided: 0, size_penalty: 0 },
      { score: 1, accuracy: 1, format: 1, scored: 1, error: 0, undecided: 0, size_penalty: 1 },
      { score: 0, accuracy: 0, format: 0, scored: 0, error: 0, undecided: 0, size_penalty: 0 },
    ]);
    expect(server.requests).toBe(1);
  });

  it("leaves out a sample that cannot be judged, counts and logs it, and raises if told to", async () => {
    const found = await python(`
import logging, os
lines = []
class Lines(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
logging.getLogger("v_triune_reward").addHandler(Lines())
det = {"verifier": "detection", "verifier_parm": {"epsilon": 7}}
math = {"verifier": "mathverify", "format_ratio": 0.0}
async def both(**how):
    return await asyncio.gather(v.compute_score("coco", "x", "[]", det, **how), v.compute_score("m", "\\\\boxed{4}", "\\\\boxed{4}", math, **how), return_exceptions=True)
out = [[row["score"], row["scored"], row["error"]] for row in asyncio.run(both(unscored_reward=-1.0))]
os.environ["V_TRIUNE_REWARD_ON_ERROR"] = "raise"
raised, row = asyncio.run(both())
out += [type(raised).__name__, str(raised), row["score"], lines[0]]
for how, model in (({}, {}), ({"on_error": "ignore"}, math)):
    try:
        asyncio.run(v.compute_score("m", "x", "4", model, **how))
    except (v.RewardError, ValueError) as e:
        out.append(str(e)[:31])
print(json.dumps(out))`);
    expect(found).toEqual([
      [-1, 0, 1],
      [1, 1, 0],
      "RewardError",
      expect.stringContaining("epsilon"),
      1,
      expect.stringMatching(/^1 of 2 samples left out: error: params: .*epsilon.* \(1\)$/),
      "this sample names no verifier: ",
      "on_error is 'ignore', expected ",
    ]);
  });

  it("scores an answer of any size with every function, and loses no batch by one bad sample", async () => {
    const found = await python(`
import os
os.environ["V_TRIUNE_REWARD_UNSCORED"] = "-1"
huge = ["\\\\boxed{2^{20000}}", "\\\\boxed{\\\\sum_{k=1}^{10^{12}} \\\\frac{1}{k}}", "\\\\boxed{4}"]
math = {"verifier": "mathverify", "ground_truth": "\\\\boxed{4}", "format_ratio": 0.0}
bad = {"verifier": "detection", "ground_truth": "[]", "verifier_parm": {"epsilon": 7}}
async def verl():
    return await asyncio.gather(*[v.compute_score("m", text, "\\\\boxed{4}", math) for text in huge])
out = [[[row["score"], row["undecided"]] for row in asyncio.run(verl())]]
out.append(asyncio.run(v.trl_reward(prompts=["q"] * 5, completions=huge + ["x", "y"], reward_model=[math] * 3 + [bad, {**math, "ground_truth": 3}])))
out.append(v.reward_func(["q\\\\boxed{4}"] * 3, ["q"] * 3, [json.dumps(m) for m in (math, {**math, "verifier": "matverify"}, math)])["extra_logs"]["error"])
r = v.reward_func(["q" + text for text in huge + ["x"]] + ["no prompt"], ["q"] * 4 + ["a prompt"], [json.dumps(m) for m in [math] * 3 + [bad, math]])
out += [[float(x) for x in r["rewards"]], {k: [float(x) for x in r["extra_logs"][k]] for k in ("scored", "error", "undecided")}]
class Sample:
    metadata, prompt = {}, "q"
    def __init__(self, response, label): self.response, self.label = response, label
class Args: rm_url = None
out.append(asyncio.run(v.slime_reward(Args, [Sample(text, json.dumps(math)) for text in huge] + [Sample("x", json.dumps(bad)), Sample("x", None)])))
print(json.dumps(out))`);
    expect(found).toEqual([
      [
        [0, 0],
        [0, 1],
        [1, 0],
      ],
      [0, 0, 1, null, null],
      [0, 1, 0],
      [0, 0, 1, -1, -1],
      { scored: [1, 1, 1, 0, 0], error: [0, 0, 0, 1, 1], undecided: [0, 1, 0, 0, 0] },
      [0, 0, 1, -1, -1],
    ]);
  });

  it("is TRL's reward function, with None for a bad gold answer", async () => {
    const found = await python(`
class State: global_step, max_steps = 3, 10
logged = {}
gold = ["\\\\boxed{4}", "\\\\boxed{5}", ""]
rewards = asyncio.run(v.trl_reward(
    prompts=["q"] * 3, completions=[[{"role": "assistant", "content": "\\\\boxed{4}"}]] * 2 + ["\\\\boxed{4}"], completion_ids=[[1]] * 3,
    trainer_state=State, log_metric=logged.__setitem__, verifier=["mathverify"] * 3, ground_truth=gold, format_ratio=[0.0] * 3))
print(json.dumps([rewards, logged]))`);
    expect(found).toEqual([
      [1, 0, null],
      {
        "v_triune_reward/unscored": 1,
        "v_triune_reward/error": 0,
        "v_triune_reward/undecided": 0,
        "v_triune_reward/accuracy": 0.5,
        "v_triune_reward/format": 0,
      },
    ]);
  });

  it("reads content parts as the server does", async () => {
    const path = resolve(import.meta.dirname, "content/content-cases.json");
    const cases = JSON.parse(readFileSync(path, "utf8")) as { text?: string; error?: string; found?: string }[];
    const found = await python(`
import collections
out = []
for case in json.load(open(${JSON.stringify(path)})):
    ignored = collections.Counter()
    try:
        out.append({"text": v._response_text(case["content"], "", ignored), "ignored": dict(ignored)})
    except v.RewardError as e:
        out.append({"error": e.where, "found": e.found})
print(json.dumps(out))`);
    expect(found).toEqual(
      cases.map(({ text, error, found: shown, ...more }) =>
        text === undefined ? { error, found: shown } : { text, ignored: "ignored" in more ? more.ignored : {} },
      ),
    );
  });

  it("takes content parts, tool calls and pictures in every function, and loses one sample to an unknown kind", async () => {
    const found = await python(`
import logging
lines = []
class Lines(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
log = logging.getLogger("v_triune_reward")
log.addHandler(Lines()); log.setLevel(logging.INFO)
class Picture: pass
four = [{"type": "image", "image": Picture()}, {"type": "text", "text": "\\\\boxed"}, {"type": "text", "text": "{4}"}]
math = {"verifier": "mathverify", "ground_truth": "\\\\boxed{4}", "format_ratio": 0.0}
completions = [
    [{"role": "assistant", "content": four}],
    [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "zoom"}}]}, {"role": "tool", "content": "\\\\boxed{4}"}],
    [{"role": "assistant", "content": "wait"}, {"role": "tool", "content": four}, {"role": "assistant", "content": "\\\\boxed{4}"}],
    [{"role": "assistant", "content": [{"type": "hologram"}]}],
]
out = [asyncio.run(v.trl_reward(prompts=[[{"role": "user", "content": four}]] * 4, completions=completions, reward_model=[math] * 4)), list(lines)]
out.append(asyncio.run(v.trl_reward(prompts=["q"], completions=["\\\\boxed{4}"], solution=[[{"role": "assistant", "content": [{"type": "text", "text": "4"}]}]], verifier=["mathverify"], format_ratio=[0.0])))
async def verl():
    return await asyncio.gather(*[v.compute_score("m", text, "\\\\boxed{4}", math) for text in (four, [{"type": "hologram"}])])
out.append([[row["score"], row["scored"], row["error"]] for row in asyncio.run(verl())])
label = json.dumps(math)
user = {"role": "user", "content": four}
r = v.reward_func([[{"type": "text", "text": "q"}] + four, [user, {"role": "assistant", "content": four}], [{"type": "hologram"}]], [[{"type": "text", "text": "q"}], [user], "q"], [label] * 3)
out.append([float(x) for x in r["rewards"]])
class Sample:
    metadata, prompt = {}, [user]
    def __init__(self, response): self.response, self.label = response, label
class Args: rm_url = None
out.append(asyncio.run(v.slime_reward(Args, [Sample(four), Sample([{"type": "hologram"}])])))
out.append(asyncio.run(v.slime_reward(Args, Sample([{"type": "hologram"}]))))
print(json.dumps(out))`);
    expect(found).toEqual([
      [1, 0, 1, null],
      [
        "content parts that are no text: image (1)",
        expect.stringMatching(
          /^1 of 4 samples left out: error: response\[0\]\.content\[0\]\.type: .*"hologram" \(1\)$/,
        ),
      ],
      [1],
      [
        [1, 1, 0],
        [0, 0, 1],
      ],
      [1, 1, 0],
      [1, 0],
      0,
    ]);
  });

  it("reads a bare gold answer whole with every function, or skips it", async () => {
    const found = await python(`
import os
os.environ["V_TRIUNE_REWARD_VERIFIER"] = "mathverify"
os.environ["V_TRIUNE_REWARD_UNSCORED"] = "-1"
texts, gold, prose = ["\\\\boxed{2\\\\pi}", "\\\\boxed{2}"], "2\\\\pi", "She sold 48 clips in April and half as many in May, so 72 in all"
async def verl():
    return await asyncio.gather(*[v.compute_score("m", text, g, {"format_ratio": 0.0}) for text, g in [(t, gold) for t in texts] + [("72", prose)]])
out = [[row["score"] for row in asyncio.run(verl())]]
out.append(asyncio.run(v.trl_reward(prompts=["q"] * 3, completions=texts + ["72"], solution=[gold, gold, prose], format_ratio=[0.0] * 3)))
r = v.reward_func(["q" + t for t in texts + ["72"]], ["q"] * 3, [gold, gold, prose])
out.append([round(float(x), 2) for x in r["rewards"]])
class Sample:
    metadata, prompt = {}, "q"
    def __init__(self, response, label): self.response, self.label = response, label
class Args: rm_url = None
out.append([round(x, 2) for x in asyncio.run(v.slime_reward(Args, [Sample(t, g) for t, g in zip(texts + ["72"], [gold, gold, prose])]))])
print(json.dumps(out))`);
    expect(found).toEqual([
      [1, 0, -1],
      [1, 0, null],
      [0.91, 0, -1],
      [0.91, 0, -1],
    ]);
  });

  it("is OpenRLHF's and slime's reward function", async () => {
    const found = await python(`
label = json.dumps({"verifier": "mathverify", "ground_truth": "\\\\boxed{4}", "format_ratio": 0})
r = v.reward_func(["q: \\\\boxed{4}", "q: 5"], ["q: ", "q: "], [label, label])
class Sample: prompt, response, label, metadata = "q", "\\\\boxed{4}", label, {}
class Args: rm_url = None
print(json.dumps([[float(x) for x in r["rewards"]], sorted(r["extra_logs"]), asyncio.run(v.slime_reward(Args, Sample)), asyncio.run(v.slime_reward(Args, [Sample, Sample]))]))`);
    expect(found).toEqual([[1, 0], ["accuracy", "error", "format", "scored", "undecided"], 1, [1, 1]]);
  });

  it("finds the response inside OpenRLHF's query, and takes off what ends it", async () => {
    const found = await python(`
head = "<|im_end|>\\n<|im_start|>assistant\\n"
prompt = "<|im_start|>system\\nPut the answer in \\\\boxed{4}.<|im_end|>\\n<|im_start|>user\\nWhat is 2+3, (a+b)*c?" + head
answer = "It is \\\\boxed{5}<|im_end|>"
one, many = ["<|vision_start|>" + "<|image_pad|>" * n + "<|vision_end|>What" for n in (1, 400)]
queries = [
    (prompt + answer, prompt), (prompt.replace("What", many) + answer, prompt.replace("What", one)), ("<s> " + prompt + answer, prompt),
    (prompt[70:] + answer, prompt), (prompt.replace(", (", ",(") + answer, prompt), ("x  y" + head + "no" + head + answer, "x y" + head + "no" + head)]
out = [v._without_end_tokens(v._response_in_query(q, p)) for q, p in queries]
for q, p in (("Who are you?" + answer, prompt), ("b", "a")):
    try:
        out.append(v._response_in_query(q, p))
    except v.RewardError as e:
        out.append(str(e)[:32])
out += [v._without_end_tokens(t) for t in ("5<|im_end|>\\n<|endoftext|>", "5</s>", "<|im_end|> and more", "\\n</answer>")]
print(json.dumps(out))`);
    const [response, refusal] = ["It is \\boxed{5}", "a query does not hold its prompt"];
    expect(found).toEqual([
      ...Array.from({ length: 6 }, () => response),
      refusal,
      refusal,
      "5",
      "5",
      "<|im_end|> and more",
      "\n</answer>",
    ]);
  });
});
