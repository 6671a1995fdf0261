import { afterEach, describe, expect, it } from "vitest";
import { EngineError } from "../engine-error";
import { type CannedServer, CannedReply, startCannedServer } from "../testing/canned-server";
import { type AnswerToScore, ScoringServer, type ScoringServerOptions } from "./scoring-server";

const open: CannedServer[] = [];
afterEach(() => open.splice(0).forEach((server) => server.stop()));

/** A token per character. */
const tokenizer = {
  encode: (text: string) => Int32Array.from(text, (letter) => letter.codePointAt(0)!),
  decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
} as ScoringServerOptions["processor"]["tokenizer"];

type Body = Record<string, unknown>;
interface Place {
  readonly id: number;
  readonly logProb: number | null;
  readonly top: readonly (readonly [id: number, logProb: number])[];
}

/** What a model that finds token t of a text with log-probability -t/100 says of it; the likeliest is t + 1. */
const placesOf = (ids: readonly number[], topK: number): Place[] =>
  ids.map((id) => ({
    id,
    logProb: -id / 100,
    top: Array.from({ length: topK }, (_, rank) => [id + rank + 1, -(rank + 1) / 10] as const),
  }));

function sglang(body: Body): unknown {
  const ids = (body["input_ids"] as number[] | undefined) ?? [...tokenizer.encode(body["text"] as string)];
  const start = body["logprob_start_len"] as number;
  const places = placesOf(ids, body["top_logprobs_num"] as number).slice(start);
  return {
    text: "x",
    meta_info: {
      prompt_tokens: ids.length,
      input_token_logprobs: places.map(({ id, logProb }, at) => [at === 0 ? null : logProb, id, null]),
      input_top_logprobs: places.map(({ top }, at) => (at === 0 ? null : top.map(([id, lp]) => [lp, id, null]))),
    },
  };
}

function vllm(path: string, body: Body): unknown {
  const messages = (body["messages"] ?? []) as { content: unknown }[];
  const text = messages.map(({ content }) => content as string).join("");
  const prompt = path.endsWith("/chat/completions") ? text : body["prompt"];
  const ids = typeof prompt === "string" ? [...tokenizer.encode(prompt)] : (prompt as number[]);
  const said = placesOf(ids, body["prompt_logprobs"] as number).map(({ id, logProb, top }, at) =>
    at === 0 ? null : Object.fromEntries([...top, [id, logProb]].map(([token, logprob]) => [token, { logprob }])),
  );
  return path.endsWith("/chat/completions")
    ? { choices: [{}], prompt_logprobs: said }
    : { choices: [{ prompt_logprobs: said }] };
}

const answers = {
  sglang: (path: string, body: Body | undefined) => (path === "/generate" ? sglang(body!) : undefined),
  vllm: (path: string, body: Body | undefined) =>
    path === "/v1/models" ? { data: [{ id: "teacher" }] } : vllm(path, body!),
} as const;

async function scoring(
  kind: "sglang" | "vllm",
  answer: Parameters<typeof startCannedServer>[0] = answers[kind],
  topK = 2,
) {
  const server = await startCannedServer(answer);
  open.push(server);
  return ScoringServer.open({
    config: { kind, url: server.url, model: null, apiKey: undefined, timeout: 5 },
    processor: { tokenizer },
    where: "the teacher",
    topK,
    shortestRestMs: 1,
  });
}

function answered(text: string, pictures: readonly Uint8Array[] = []): AnswerToScore {
  const prompt = "What?";
  return {
    prompt: {
      id: "s/1",
      text: prompt,
      promptIds: tokenizer.encode(prompt),
      messages: [{ role: "user", content: prompt }],
      sample: { images: pictures.map((bytes) => ({ bytes })) },
    } as unknown as AnswerToScore["prompt"],
    completionIds: tokenizer.encode(text),
  };
}

describe.each(["sglang", "vllm"] as const)("%s", (kind) => {
  it.each([
    ["token ids", []],
    ["text, where there are pictures", [Uint8Array.of(0x89, 0x50, 0x4e, 0x47)]],
  ])("says how likely it finds an answer that it is sent as %s", async (_, pictures) => {
    const server = await scoring(kind);
    const [scores, empty] = await server.score([answered("AB", pictures), answered("")], 2);
    expect([...scores!.logProbs]).toEqual([65, 66].map((id) => Math.fround(-id / 100)));
    expect([...scores!.top!.ids]).toEqual([66, 67, 67, 68]);
    expect([...scores!.top!.logProbs]).toEqual([-0.1, -0.2, -0.1, -0.2].map(Math.fround));
    expect(empty!.logProbs).toHaveLength(0);
    expect((await server.score([answered("AB", pictures)], 0))[0]!.top).toBeUndefined();
  });

  it("leaves out an answer that the server reads as other tokens", async () => {
    const upper = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll("ß", "ss"));
    const server = await scoring(kind, (path, body) => answers[kind](path, upper(body ?? null) as Body));
    const picture = [Uint8Array.of(0xff, 0xd8, 0xff)];
    const [other, same] = await server.score([answered("aß", picture), answered("ab", picture)], 1);
    expect(other).toBeUndefined();
    expect(same!.logProbs).toHaveLength(2);
  });

  it("is asked again after numbers that are no log-probabilities, and given up after four of them", async () => {
    let asked = 0;
    let broken = 0;
    const server = await scoring(kind, (path, body) => {
      if (path !== "/v1/models") asked += 1;
      const reply = JSON.stringify(answers[kind](path, body));
      return new CannedReply(200, asked > 1 && asked <= 1 + broken ? reply.replaceAll("-0.65", "null") : reply);
    });
    broken = 1;
    expect((await server.score([answered("A")], 0))[0]!.logProbs).toHaveLength(1);
    [asked, broken] = [1, 9];
    await expect(server.score([answered("A")], 0)).rejects.toThrow(/log-probability of token 0.*4 times/s);
  });

  it("is refused before the run where it has other tokens, says nothing, or cannot be reached", async () => {
    const shifted = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll("345", "three"));
    await expect(
      scoring(kind, (path, body) => answers[kind](path, shifted(body ?? null) as Body)),
    ).rejects.toMatchObject({ found: "another tokenizer" });
    await expect(scoring(kind, (path) => (path === "/v1/models" ? { data: [{ id: "m" }] } : {}))).rejects.toThrow(
      /reply without/,
    );
    await expect(
      ScoringServer.open({
        config: { kind, url: "http://127.0.0.1:9", model: "m", apiKey: undefined, timeout: 5 },
        processor: { tokenizer },
        where: "the teacher",
        topK: 0,
      }),
    ).rejects.toBeInstanceOf(EngineError);
  });
});

it("says how vLLM gives more of the likeliest tokens", async () => {
  const refusal = JSON.stringify({
    error: { message: "Requested prompt logprobs of 40, which is greater than max allowed: 20" },
  });
  const refused = scoring(
    "vllm",
    (path, body) => (path === "/v1/models" ? answers.vllm(path, body) : new CannedReply(400, refusal)),
    40,
  );
  await expect(refused).rejects.toThrow(/--max-logprobs 40/);
});
