/** The inside of a tool module's thread: imports the module and makes its calls, one after the other. Nothing imports this. */
import { parentPort } from "node:worker_threads";
import { ConfigError, VTriuneError, describeValue } from "@v-triune/errors";
import { exportOf, importUserModule } from "@v-triune/node-kit/import-user-module";
import type { RgbImage } from "@v-triune/policy";
import type { Tool, ToolResult } from "@v-triune/rollouts/tools";
import type { FromToolThread, ToToolThread } from "./tool-protocol";

class ToolThread {
  #tools: readonly Tool[] = [];
  /** Who waits for pixels of the running call, by picture. */
  readonly #waiting = new Map<number, (pixels: RgbImage | { readonly problem: string }) => void>();

  constructor(readonly send: (message: FromToolThread) => void) {}

  async receive(message: ToToolThread): Promise<void> {
    if (message.type === "setup") await this.#setUp(message.module);
    else if (message.type === "call") await this.#call(message);
    else this.#waiting.get(message.picture)?.(message.pixels);
  }

  async #setUp(module: string): Promise<void> {
    try {
      this.#tools = await loadTools(module);
      const tools = this.#tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
      this.send({ type: "ready", tools });
    } catch (error) {
      const details = VTriuneError.isInstance(error)
        ? error.details
        : { what: "The tools of a module cannot be described.", where: module, found: reasonOf(error) };
      this.send({ type: "failed", error: { ...details, cause: undefined } });
    }
  }

  async #call(asked: Extract<ToToolThread, { type: "call" }>): Promise<void> {
    const { call } = asked;
    const result = await this.#resultOf(asked).catch((error: unknown) => ({ fault: reasonOf(error) }));
    try {
      this.send({ type: "result", call, result });
    } catch {
      // Functions and the like cannot be sent.
      this.send({ type: "result", call, result: { fault: `the tool returned ${describeValue(result)}` } });
    }
  }

  async #resultOf(asked: Extract<ToToolThread, { type: "call" }>): Promise<ToolResult> {
    this.#waiting.clear();
    const known = new Map<number, Promise<RgbImage>>();
    const pixelsOf = (picture: number): Promise<RgbImage> => {
      const pixels =
        known.get(picture) ??
        new Promise<RgbImage>((resolve, reject) => {
          this.#waiting.set(picture, (got) => ("problem" in got ? reject(new Error(got.problem)) : resolve(got)));
          this.send({ type: "pixels", call: asked.call, picture });
        });
      known.set(picture, pixels);
      return pixels;
    };
    const tool = this.#tools.find(({ name }) => name === asked.tool)!;
    const checked = await tool.schema["~standard"].validate(asked.arguments);
    if (checked.issues) return { fault: checked.issues.map(({ message }) => message).join("; ") };
    return await tool.call(checked.value, {
      pictures: asked.pictures.map((size, picture) => ({ ...size, pixels: () => pixelsOf(picture) })),
      promptPictures: asked.promptPictures,
      signal: new AbortController().signal,
    });
  }
}

async function loadTools(module: string): Promise<Tool[]> {
  const refuse = (details: ConstructorParameters<typeof ConfigError>[0]): ConfigError =>
    new ConfigError({ fix: "see docs/write-your-own/tool.md", ...withoutUndefined(details) });
  const imported = await importUserModule(module, {
    notImported: "The module of a tool cannot be imported.",
    noTypeScript: "A tool in TypeScript cannot be loaded.",
    refuse,
  });
  const exported = exportOf(imported, "default");
  return [exported].flat().map((tool: unknown) => {
    if (isTool(tool)) return tool;
    throw refuse({
      what: "The module exports no tool.",
      where: module,
      expected:
        "a module whose default export is a tool { name, description, schema, parameters, call }, or a list of them",
      found: describeValue(tool),
    });
  });
}

const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;

function isTool(value: unknown): value is Tool {
  if (typeof value !== "object" || value === null) return false;
  const { name, description, schema, parameters, call } = value as Partial<Record<keyof Tool, unknown>>;
  return (
    typeof name === "string" &&
    typeof description === "string" &&
    (typeof schema === "object" || typeof schema === "function") &&
    typeof parameters === "object" &&
    typeof call === "function"
  );
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] || "the tool failed";
}

const port = parentPort!;
const thread = new ToolThread((message) => port.postMessage(message, []));
port.on("message", (message: ToToolThread) => void thread.receive(message));
