/** Which rollout servers there are, and how one is recognized. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { type HttpJsonOptions, NoAnswerError, ServerRefusal, httpJson } from "./http-json";
import { whileBusy } from "./while-busy";

export const SERVER_KINDS = ["vllm", "sglang", "transformers", "llama.cpp", "openai"] as const;

/** `openai`: any other server with /v1/chat/completions. */
export type ServerKind = (typeof SERVER_KINDS)[number];

export const serverNames: Readonly<Record<ServerKind, string>> = {
  vllm: "vLLM",
  sglang: "SGLang",
  transformers: "transformers serve",
  "llama.cpp": "llama.cpp",
  openai: "an OpenAI-compatible server",
};

/** Requests that one server works on at once, unless the configuration says otherwise. */
export const usualParallel: Readonly<Record<ServerKind, number>> = {
  vllm: 64,
  sglang: 64,
  // Its seeds are the process's: a second request at the same time would draw from the first one's.
  transformers: 1,
  "llama.cpp": 4,
  openai: 16,
};

export interface RecognizedServer {
  readonly kind: ServerKind;
  readonly version: string | null;
  /** Names under which it serves models. */
  readonly models: readonly string[];
}

/** @throws NoAnswerError when nobody answers, ServerRefusal for a wrong key */
export async function recognizeServer(
  url: string,
  options: Pick<HttpJsonOptions, "apiKey" | "signal">,
): Promise<RecognizedServer> {
  const get = async (path: string): Promise<unknown> => {
    try {
      return await whileBusy(() => httpJson(`${url}${path}`, { ...options, timeoutMs: 15_000 }), options);
    } catch (error) {
      if (error instanceof ServerRefusal && error.status !== 401 && error.status !== 403) return undefined;
      // transformers serve answers 500 to /v1/models where there is no hub cache.
      if (path === "/v1/models" && error instanceof NoAnswerError && (error.status ?? 0) >= 500) return undefined;
      throw error;
    }
  };
  const list = await get("/v1/models");
  const entries = isRecord(list) && Array.isArray(list["data"]) ? (list["data"] as unknown[]).filter(isRecord) : [];
  const models = entries.map(({ id }) => String(id));
  const owner = String(entries[0]?.["owned_by"] ?? "");

  const version = await get("/version");
  if (owner === "vllm" || (isRecord(version) && typeof version["version"] === "string")) {
    return { kind: "vllm", models, version: isRecord(version) ? String(version["version"]) : null };
  }
  // The old name of /model_info, which newer versions mean to drop.
  const info = (await get("/model_info")) ?? (await get("/get_model_info"));
  if (isRecord(info) && typeof info["model_path"] === "string") {
    const server = (await get("/server_info")) ?? (await get("/get_server_info"));
    return {
      kind: "sglang",
      models,
      version: isRecord(server) && typeof server["version"] === "string" ? server["version"] : null,
    };
  }
  if (owner === "llamacpp") {
    const props = await get("/props");
    return {
      kind: "llama.cpp",
      models,
      version: isRecord(props) && typeof props["build_info"] === "string" ? props["build_info"] : null,
    };
  }
  const description = await get("/openapi.json");
  const paths = isRecord(description) && isRecord(description["paths"]) ? description["paths"] : {};
  if ("/load_model" in paths && "/reset" in paths && "/v1/chat/completions" in paths)
    return { kind: "transformers", models, version: null };
  return { kind: "openai", models, version: null };
}
