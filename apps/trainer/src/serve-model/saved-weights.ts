/**
 * Weights that clients save: `FOLDER/MODEL/weights/NAME/` with the model or its adapter in Hugging Face layout,
 * `optimizer.safetensors` and `saved.json`, under the address `tinker://MODEL/weights/NAME`; for sampling alone
 * `sampler_weights` without moments. A folder appears in full or not at all.
 */
// oxlint-disable-next-line v-triune/no-copies -- a folder that was replaced is removed, no file is written
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AdamWState } from "@v-triune/grpo";
import { readMoments, writeMoments } from "@v-triune/training";
import { RequestRefusal } from "./request-refusal";

export interface SavedDescription {
  readonly format: 1;
  readonly baseModel: string;
  /** null: the whole model. */
  readonly loraRank: number | null;
  readonly optimizerSteps: number | null;
  readonly time: string;
}

export type SavedKind = "weights" | "sampler_weights";

export interface SavedAddress {
  readonly modelId: string;
  readonly kind: SavedKind;
  readonly name: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export class SavedWeights {
  constructor(readonly folder: string) {}

  /** @throws RequestRefusal 400 for a name that is no name */
  address(modelId: string, kind: SavedKind, name: string): SavedAddress {
    if (!NAME.test(name))
      throw new RequestRefusal(400, `path: a name of letters, digits, '.', '_' and '-' expected, found ${name}`);
    return { modelId, kind, name };
  }

  /** @throws RequestRefusal 400 for a path of another form */
  parse(path: string): SavedAddress {
    const [, modelId, kind, name] = /^tinker:\/\/([^/]+)\/(weights|sampler_weights)\/([^/]+)$/.exec(path) ?? [];
    if (modelId === undefined || kind === undefined || name === undefined || !NAME.test(modelId) || !NAME.test(name))
      throw new RequestRefusal(400, `path: tinker://MODEL/weights/NAME expected, found ${path}`);
    return { modelId, kind: kind as SavedKind, name };
  }

  url({ modelId, kind, name }: SavedAddress): string {
    return `tinker://${modelId}/${kind}/${name}`;
  }

  path({ modelId, kind, name }: SavedAddress): string {
    return join(this.folder, modelId.replaceAll(":", "_"), kind, name.replaceAll(":", "_"));
  }

  /** @throws RequestRefusal 409 if the name is taken */
  async write(
    address: SavedAddress,
    description: Omit<SavedDescription, "format" | "time" | "optimizerSteps">,
    save: (folder: string) => Promise<void>,
    { state, overwrite }: { readonly state?: AdamWState; readonly overwrite: boolean },
  ): Promise<void> {
    const path = this.path(address);
    const exists = await isThere(path);
    if (exists && !overwrite)
      throw new RequestRefusal(409, `${this.url(address)} exists; choose another name, or overwrite it`);
    await mkdir(dirname(path), { recursive: true });
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
    await rm(temporary, { recursive: true, force: true });
    try {
      await mkdir(temporary);
      await save(temporary);
      if (state) await writeMoments(temporary, state);
      const saved: SavedDescription = {
        format: 1,
        ...description,
        optimizerSteps: state?.step ?? null,
        time: new Date().toISOString(),
      };
      await writeFile(join(temporary, "saved.json"), `${JSON.stringify(saved, null, 2)}\n`);
      const replaced = `${temporary}.replaced`;
      if (exists) await rename(path, replaced);
      try {
        await rename(temporary, path);
      } catch (error) {
        // The weights that were there are there again.
        if (exists) await rename(replaced, path);
        throw error;
      }
      await rm(replaced, { recursive: true, force: true });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }

  /** @throws RequestRefusal 404 for weights that are not saved here */
  async describe(address: SavedAddress): Promise<SavedDescription> {
    try {
      return JSON.parse(await readFile(join(this.path(address), "saved.json"), "utf8")) as SavedDescription;
    } catch {
      throw new RequestRefusal(404, `${this.url(address)} is not saved here`);
    }
  }

  /** The moments that were saved with the weights; undefined if none were. */
  async moments(address: SavedAddress, { optimizerSteps }: SavedDescription): Promise<AdamWState | undefined> {
    return optimizerSteps === null ? undefined : readMoments(this.path(address), optimizerSteps);
  }

  /** What a model has saved, oldest first. */
  async list(modelId: string): Promise<{ address: SavedAddress; description: SavedDescription }[]> {
    const found: { address: SavedAddress; description: SavedDescription }[] = [];
    if (!NAME.test(modelId)) return found;
    for (const kind of ["weights", "sampler_weights"] as const) {
      const names = await readdir(dirname(this.path({ modelId, kind, name: "x" }))).catch(() => []);
      for (const name of names.filter((one) => NAME.test(one)))
        found.push({ address: { modelId, kind, name }, description: await this.describe({ modelId, kind, name }) });
    }
    return found.sort((a, b) => (a.description.time < b.description.time ? -1 : 1));
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
