/** Where an addon of v-triune's own kernels lies: its name carries the hash of its source and of native/shared. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { NativeLayout } from "./native-folder";

/** @param folder of the addon's source */
export function kernelsFile(layout: NativeLayout, name: string, folder: string): string {
  const hash = createHash("sha256");
  for (const part of [folder, join(folder, "../shared")])
    for (const file of readdirSync(part).sort()) hash.update(file).update(readFileSync(join(part, file)));
  return join(dirname(layout.addon), `${name}-${hash.digest("hex").slice(0, 16)}.node`);
}
