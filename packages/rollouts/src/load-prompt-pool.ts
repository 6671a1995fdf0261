/** A prompt pool from a file. */
import { readFile } from "node:fs/promises";
import { ConfigError } from "@v-triune/errors";
import { ArkErrors, type } from "arktype";
import { parse } from "yaml";
import { builtInPromptPool, type PromptPool } from "./prompt-pool";

const sentences = type("string > 0").array().atLeastLength(1);
const block = type({ "+": "reject", think: sentences, answer: sentences });
const poolSchema = type({ "+": "reject", "free?": block, "tagged?": block });

/**
 * Reads a pool from a YAML or JSON file: `free` and `tagged`, each with lists `think` and `answer`. A form that the
 * file leaves out keeps the built-in sentences.
 *
 * @param path null for the built-in pool
 * @throws ConfigError when the file is missing or has another shape
 */
export async function loadPromptPool(path: string | null): Promise<PromptPool> {
  if (path === null) return builtInPromptPool;
  const expected = "keys free and tagged, each with lists of sentences think and answer";
  let value: unknown;
  try {
    value = parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ConfigError({
      what: "The prompt pool can't be read.",
      where: path,
      expected: `a YAML or JSON file with ${expected}`,
      found: (cause as NodeJS.ErrnoException).code === "ENOENT" ? "nothing there" : (cause as Error).message,
      cause,
    });
  }
  const pool = poolSchema(value);
  if (pool instanceof ArkErrors)
    throw new ConfigError({ what: "The prompt pool has another shape.", where: path, expected, found: pool.summary });
  return { free: pool.free ?? builtInPromptPool.free, tagged: pool.tagged ?? builtInPromptPool.tagged };
}
