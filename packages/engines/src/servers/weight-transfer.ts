/**
 * How new weights get to a server after each update, and how it is known which ones an answer came from. Each way is
 * what the server's own documentation offers:
 *
 * sglang   POST /update_weights_from_disk {model_path, weight_version}; every reply carries meta_info.weight_version,
 * and
 *          GET /model_info tells it (docs.sglang.io: advanced_features/sglang_for_rl).
 * lora     vLLM: POST /v1/load_lora_adapter {lora_name, lora_path}, /v1/unload_lora_adapter {lora_name}, with
 *          VLLM_ALLOW_RUNTIME_LORA_UPDATING (docs.vllm.ai: features/lora). Each version has a name of its own: vLLM keys its
 *          prefix cache by the adapter's name, so one name for all would mix versions (vllm-project/vllm #42125).
 * reload   vLLM: POST /collective_rpc {method: "reload_weights", kwargs: {weights_path}} with VLLM_SERVER_DEV_MODE=1,
 * between
 *          /pause and /resume, and POST /update_weight_version; GET /weight_info tells it (docs.vllm.ai: features/sleep_mode,
 *          training/weight_transfer, training/layerwise).
 *          Endpoints and fields as in the releases SGLang 0.5.23 and vLLM 0.33.0.
 * path     transformers serve: a request names the model by its folder, each version has a folder of its own, and
 *          POST /reset frees the one before (transformers 5.23, cli/serving/server.py).
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { EngineError } from "../engine-error";
import { type HttpJsonOptions, ServerRefusal, httpJson } from "./http-json";
import { type ServerKind, serverNames } from "./server-kind";

export const WEIGHT_SYNCS = ["auto", "sglang", "lora", "reload", "path", "none"] as const;
export type WeightSync = (typeof WEIGHT_SYNCS)[number];

/** Weights as they are handed over. */
export interface HandedWeights {
  /** Their name at the server; unique for the run and step. */
  readonly label: string;
  /** As the server sees it. */
  readonly folder: string;
  /** What they replace, if the server has been given any. */
  readonly previous?: string | undefined;
}

export interface WeightTransfer {
  readonly sync: Exclude<WeightSync, "auto">;
  /** What the folder holds. */
  readonly content: "model" | "adapter";
  /** Makes the server use these weights from now on. @throws NoAnswerError, EngineError */
  push(url: string, weights: HandedWeights, http: TransferHttp): Promise<void>;
  /** The model's name in requests. */
  modelName(weights: HandedWeights, served: string): string;
  /** What the server says it holds; undefined when it can't say. @throws NoAnswerError */
  held(url: string, http: TransferHttp): Promise<readonly string[] | undefined>;
  /** The label in a reply, in the words of `ServerReply.weights`; undefined when replies don't say. */
  stated?(weights: string): string;
}

/** Key and patience for requests to a server. */
export type TransferHttp = Pick<HttpJsonOptions, "apiKey" | "timeoutMs" | "signal">;

/** What to do for a server of this kind. @throws EngineError for a way that the server does not have */
export function weightTransfer(kind: ServerKind, sync: WeightSync, adapter: boolean): WeightTransfer {
  const chosen = sync === "auto" ? automatic(kind, adapter) : sync;
  const fits = {
    sglang: kind === "sglang",
    lora: kind === "vllm" && adapter,
    reload: kind === "vllm",
    path: kind === "transformers",
    none: true,
  }[chosen];
  if (!fits) {
    throw new EngineError({
      what: `The weights can't get to ${serverNames[kind]} by "${chosen}".`,
      where: "rollout.engine.weights.sync",
      expected:
        kind === "vllm" && chosen === "lora"
          ? "model.adapter, as a LoRA adapter is what is handed over"
          : `auto${automatic(kind, adapter) === "none" ? "" : ` (${automatic(kind, adapter)})`} or none`,
      found: chosen,
    });
  }
  if (sync === "auto" && chosen === "none") {
    throw new EngineError({
      what: `New weights can't be given to ${serverNames[kind]}: it has no documented way to take them while it runs.`,
      where: "rollout.engine",
      expected: "vLLM, SGLang or transformers serve",
      found: serverNames[kind],
      fix: "use one of them, or train off-policy from fixed weights with weights: {sync: none}, staleWeights: allow",
    });
  }
  return transfers[chosen];
}

function automatic(kind: ServerKind, adapter: boolean): Exclude<WeightSync, "auto"> {
  if (kind === "sglang") return "sglang";
  if (kind === "vllm") return adapter ? "lora" : "reload";
  return kind === "transformers" ? "path" : "none";
}

const transfers: Readonly<Record<Exclude<WeightSync, "auto">, WeightTransfer>> = {
  sglang: {
    sync: "sglang",
    content: "model",
    async push(url, { folder, label }, http) {
      const reply = await ask(
        url,
        "/update_weights_from_disk",
        { model_path: folder, weight_version: label, flush_cache: true },
        http,
      );
      if (!isRecord(reply) || reply["success"] !== true)
        throw refused(url, folder, isRecord(reply) ? String(reply["message"]) : "no success");
    },
    modelName: (_, served) => served,
    async held(url, http) {
      const info = await httpJson(`${url}/model_info`, http).catch((error: unknown) => {
        if (!(error instanceof ServerRefusal)) throw error;
        // Older versions know the old name only.
        return httpJson(`${url}/get_model_info`, http);
      });
      return isRecord(info) ? [String(info["weight_version"])] : undefined;
    },
    stated: (version) => version,
  },
  lora: {
    sync: "lora",
    content: "adapter",
    async push(url, { folder, label, previous }, http) {
      const body = { lora_name: label, lora_path: folder };
      await ask(
        url,
        "/v1/load_lora_adapter",
        body,
        http,
        "start vLLM with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, --enable-lora and --max-lora-rank of at least " +
          "model.adapter.rank",
      );
      if (previous === undefined || previous === label) return;
      // A server that has restarted does not know the adapter before.
      await httpJson(`${url}/v1/unload_lora_adapter`, { ...http, body: { lora_name: previous } }).catch(ignoreRefusal);
    },
    modelName: ({ label }) => label,
    async held(url, http) {
      const list = await httpJson(`${url}/v1/models`, http);
      return isRecord(list) && Array.isArray(list["data"])
        ? (list["data"] as { id?: unknown }[]).map(({ id }) => String(id))
        : [];
    },
    stated: (model) => model,
  },
  reload: {
    sync: "reload",
    content: "model",
    async push(url, { folder, label }, http) {
      const fix =
        "start vLLM with VLLM_SERVER_DEV_MODE=1, which has these endpoints, or train a LoRA adapter (model.adapter)";
      await ask(url, "/pause?mode=wait", {}, http, fix);
      await ask(url, "/collective_rpc", { method: "reload_weights", kwargs: { weights_path: folder } }, http, fix);
      for (const cache of ["prefix", "encoder"]) await ask(url, `/reset_${cache}_cache`, {}, http, fix);
      await ask(
        url,
        "/update_weight_version",
        { new_version: label },
        http,
        "take a vLLM that has /update_weight_version: without it nobody can say which weights an answer came from",
      );
      await ask(url, "/resume", {}, http, fix);
    },
    modelName: (_, served) => served,
    async held(url, http) {
      const info = await httpJson(`${url}/weight_info`, http);
      return isRecord(info) ? [String(info["weight_version"])] : undefined;
    },
  },
  path: {
    sync: "path",
    content: "model",
    push: async (url, _, http) => void (await ask(url, "/reset", {}, http)),
    modelName: ({ folder }) => folder,
    held: async () => undefined,
    // The name in a reply is the folder's with the revision: "/runs/a/weights/step-000002@main".
    stated: (model) =>
      model
        .replace(/@[^/@]*$/, "")
        .split("/")
        .at(-1) ?? model,
  },
  none: {
    sync: "none",
    content: "model",
    push: async () => {},
    modelName: (_, served) => served,
    held: async () => undefined,
  },
};

async function ask(
  url: string,
  path: string,
  body: Record<string, unknown>,
  http: TransferHttp,
  fix?: string,
): Promise<unknown> {
  try {
    return await httpJson(`${url}${path}`, { ...http, body });
  } catch (error) {
    if (!(error instanceof ServerRefusal)) throw error;
    throw new EngineError({
      what:
        error.status === 404
          ? "The server does not have the endpoint that new weights are handed over by."
          : "The server did not take the new weights.",
      where: `${url}${path}`,
      found: error.message,
      fix: fix ?? "see the server's log",
      cause: error,
    });
  }
}

function refused(url: string, folder: string, message: string): EngineError {
  return new EngineError({
    what: "The server did not take the new weights.",
    where: `${url}, ${folder}`,
    found: message,
    fix: "see the server's log; the folder has to be one that the server can read (weights.serverFolder)",
  });
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ServerRefusal)) throw error;
}
