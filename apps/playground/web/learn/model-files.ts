/** The committed model of the demonstration, fetched file by file. */
import chatTemplate from "../../../trainer/assets/demo-model/chat_template.jinja?url";
import config from "../../../trainer/assets/demo-model/config.json?url";
import generationConfig from "../../../trainer/assets/demo-model/generation_config.json?url";
import weights from "../../../trainer/assets/demo-model/model.safetensors?url";
import preprocessorConfig from "../../../trainer/assets/demo-model/preprocessor_config.json?url";
import tokenizer from "../../../trainer/assets/demo-model/tokenizer.json?url";
import tokenizerConfig from "../../../trainer/assets/demo-model/tokenizer_config.json?url";

const ADDRESSES: Readonly<Record<string, string>> = {
  "chat_template.jinja": chatTemplate,
  "config.json": config,
  "generation_config.json": generationConfig,
  "model.safetensors": weights,
  "preprocessor_config.json": preprocessorConfig,
  "tokenizer.json": tokenizer,
  "tokenizer_config.json": tokenizerConfig,
};

/** @param onShare told the share of the weights that is there */
export async function fetchModel(onShare: (share: number) => void): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = Object.entries(ADDRESSES).map(
    async ([name, address]) => [name, await fetchFile(name, address, onShare)] as const,
  );
  return new Map(await Promise.all(files));
}

async function fetchFile(name: string, address: string, onShare: (share: number) => void): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${name} cannot be loaded: the server answered ${response.status}.`);
  if (name !== "model.safetensors" || !response.body) return new Uint8Array(await response.arrayBuffer());
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  // Of the file as it is sent, compressed or not; good enough for a bar.
  const total = Number(response.headers.get("content-length")) || 5e6;
  let done = 0;
  const reader = response.body.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    done += piece.value.length;
    onShare(Math.min(1, done / total));
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
