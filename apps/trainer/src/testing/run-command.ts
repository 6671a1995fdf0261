import { runCommandLine } from "../cli/run-command-line";

/** For tests: runs `v-triune ARGS` in this process and keeps what it prints. */
export async function runCommand(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: "", err: "" };
  const code = await runCommandLine(args, { out: (more) => (text.out += more), err: (more) => (text.err += more) });
  return { code, ...text };
}
