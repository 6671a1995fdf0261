import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";

it.skipIf(process.platform === "win32")("keeps a process alive that has nothing else to do, until Ctrl-C", async () => {
  const root = join(import.meta.dirname, "../../../..");
  const code =
    `import { untilInterrupted } from ${JSON.stringify(join(import.meta.dirname, "until-interrupted.ts"))};` +
    `setTimeout(() => console.log("waits"), 50); await untilInterrupted(); console.log("ended");`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], { cwd: root });
  let said = "";
  child.stdout.on("data", (text: Buffer) => {
    said += text.toString();
    // A process that does not wait has ended by then: the timer above was all that it had.
    if (text.toString().includes("waits")) setTimeout(() => child.kill("SIGINT"), 200);
  });
  const [status] = (await once(child, "exit")) as [number | null];
  expect([status, said]).toEqual([0, "waits\nended\n"]);
});
