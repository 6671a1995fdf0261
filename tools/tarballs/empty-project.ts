/** A folder as a user begins with, in which tarballs are installed and commands run. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a command came to. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class EmptyProject {
  readonly folder: string;
  /** Variables for what is run, beside the caller's own. */
  readonly environment: Record<string, string> = {};
  #running: ChildProcess[] = [];

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `v-triune-${name}-`));
  }

  /** Installs packages and tarballs as npm does by default, with install scripts. */
  install(...packages: readonly string[]): void {
    this.write("package.json", '{ "name": "empty-project", "version": "1.0.0", "type": "module" }\n');
    const { status, stderr } = this.run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...packages);
    if (status !== 0) throw new Error(`npm install failed:\n${stderr}`);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  run(command: string, ...words: readonly string[]): Outcome {
    const { status, stdout, stderr } = spawnSync(command, words, {
      cwd: this.folder,
      encoding: "utf8",
      env: this.#environment(),
      maxBuffer: 2 ** 26,
    });
    return { status, stdout, stderr };
  }

  /** Starts a command and waits until it has printed `ready`. */
  async start(ready: RegExp, command: string, ...words: readonly string[]): Promise<RegExpExecArray> {
    const child = spawn(command, words, { cwd: this.folder, env: this.#environment(), detached: true });
    this.#running.push(child);
    let printed = "";
    return new Promise((resolve, reject) => {
      const look = (chunk: Buffer) => {
        printed += chunk.toString();
        const match = ready.exec(printed);
        if (match !== null) resolve(match);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      child.on("error", reject);
      child.on("exit", () => reject(new Error(`${command} ${words.join(" ")} ended:\n${printed}`)));
    });
  }

  /** Ends what was started and removes the folder. */
  close(): void {
    for (const { pid } of this.#running) if (pid !== undefined) process.kill(-pid);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Without the variables that `npm run` sets: a user's shell has none of them. */
  #environment(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
    return { ...Object.fromEntries(own), ...this.environment };
  }
}
