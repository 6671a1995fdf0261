/** The script of docs/metrics.md that sends a run folder to W&B, run with W&B's own package, offline. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const hasWandb = ((): boolean => {
  try {
    execFileSync(python, ["-c", "import wandb; wandb.init"], { stdio: "ignore", timeout: 60_000 });
    return true;
  } catch {
    console.warn(
      `skipped: the script for W&B, as ${python} has no wandb (pip install wandb, or name a Python that has it in ` +
        "V_TRIUNE_PYTHON)",
    );
    return false;
  }
})();

it.skipIf(!hasWandb)(
  "sends every metric of a run folder under the names of TensorBoard",
  () => {
    const docs = readFileSync(new URL("../../../../docs/metrics.md", import.meta.url), "utf8");
    const script = /<!-- wandb -->\n```python\n([^]*?)```/.exec(docs)![1]!;
    const run = fileURLToPath(new URL("../../test-data/run", import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), "v-triune-wandb-"));
    execFileSync(python, ["-c", script, run], {
      cwd: folder,
      env: { ...process.env, WANDB_MODE: "offline", WANDB_SILENT: "true", WANDB_DIR: folder },
      stdio: "pipe",
      timeout: 110_000,
    });
    const offline = readdirSync(join(folder, "wandb")).find((name) => name.startsWith("offline-run-"))!;
    const file = readdirSync(join(folder, "wandb", offline)).find((name) => name.endsWith(".wandb"))!;
    // The transaction log holds names as they are.
    const log = readFileSync(join(folder, "wandb", offline, file), "latin1");
    for (const name of ["source/demo_count/critic/rewards/mean", "val-core/demo_read/", "actor/entropy", "task/ocr/"])
      expect(log).toContain(name);
    rmSync(folder, { recursive: true, force: true });
  },
  120_000,
);
