/** For benches: a folder like a published checkpoint, of a published shape, with random weights. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeDemoModelFolder } from "@v-triune/demo-tasks";
import { familyOf, parameterShapes, readModelConfig, writeSafetensors } from "@v-triune/policy";

const TABLE = 2 ** 20;

/**
 * Writes config.json, weights in bfloat16 and the demonstration's tokenizer. Weights repeat a table of normal numbers
 * from places that differ by tensor: billions of different ones would take longer than the step that is measured.
 *
 * @param published config.json of the shape; its special tokens become those of the tokenizer
 */
export async function writeRandomCheckpoint(
  folder: string,
  published: Readonly<Record<string, unknown>>,
): Promise<void> {
  const demo = `${folder}-tokenizer`;
  await writeDemoModelFolder(demo);
  const own = JSON.parse(readFileSync(join(demo, "config.json"), "utf8")) as Record<string, unknown>;
  const special = ["image", "video", "vision_start", "vision_end"].map((name) => `${name}_token_id`);
  mkdirSync(folder, { recursive: true });
  cpSync(demo, folder, { recursive: true });
  rmSync(demo, { recursive: true });
  // The family's own settings for pictures hold where the folder names none.
  rmSync(join(folder, "preprocessor_config.json"), { force: true });
  const config = { ...published, ...Object.fromEntries(special.map((key) => [key, own[key]])) };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const architecture = readModelConfig(folder);
  const { storedName } = familyOf(architecture);
  const table = normalTable();
  await writeSafetensors(
    join(folder, "model.safetensors"),
    parameterShapes(architecture).map(({ name, shape }, index) => ({
      name: storedName(name),
      shape,
      dtype: "BF16" as const,
      data: () => tensorValues(shape, index, table),
    })),
  );
}

function tensorValues(shape: readonly number[], index: number, table: Float32Array): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const values = new Float32Array(size);
  // Norms are 1 and biases would be 0; both are vectors.
  if (shape.length === 1) return values.fill(1);
  const deviation = 1 / Math.sqrt(size / shape[0]!);
  const scaled = table.map((value) => value * deviation);
  for (let at = 0, part = 0; at < size; part++) {
    const from = ((index * 31 + part) * 7919) % TABLE;
    const piece = scaled.subarray(from, Math.min(TABLE, from + size - at));
    values.set(piece, at);
    at += piece.length;
  }
  return values;
}

/** Standard normal numbers by Box and Muller's method, of a small generator. */
function normalTable(): Float32Array {
  let state = 12_345;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: TABLE }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  });
}
