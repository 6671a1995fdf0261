/** Compiles the addon from tfjs-node's own sources, unpatched, and the stderr guard beside it. */
// oxlint-disable-next-line v-triune/no-copies -- the compiler writes the file
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NativeInstallError } from "../backend-error";
import { decodeKernelsFile, decodeSourceFolder } from "../native/decode-kernels";
import { libraryFileNames, type NativeLayout } from "../native/native-folder";
import { trainingKernelsFile, trainingSourceFolder } from "../native/training-kernels";
import { lastLines, runCommand } from "../run-command";

const require = createRequire(import.meta.url);

/** What the compiler needs to know. */
export interface CompileOptions {
  readonly compiler: string;
  readonly layout: NativeLayout;
  /** The folder of @tensorflow/tfjs-node. */
  readonly tfjsNode: string;
  readonly nodeHeaders: string;
  readonly tensorflowHeaders: string;
}

/**
 * Compiles and links both addons (about ten seconds).
 *
 * @throws NativeInstallError "compile"
 */
export async function compileAddon(options: CompileOptions): Promise<void> {
  const { layout, compiler } = options;
  const mac = process.platform === "darwin";
  mkdirSync(dirname(layout.addon), { recursive: true });
  const shared = mac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
  // The addon finds the libraries relative to itself, so that the whole folder can be moved or mounted elsewhere.
  const libraries = mac
    ? [...libraryFileNames().map((name) => join(layout.libraries, name)), "-Wl,-rpath,@loader_path/../../deps/lib"]
    : [`-L${layout.libraries}`, ...libraryFileNames().map((name) => `-l:${name}`), "-Wl,-rpath,$ORIGIN/../../deps/lib"];
  const common = ["-O2", "-fPIC", ...shared, "-DNAPI_VERSION=8", `-I${options.nodeHeaders}`];
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(options.tfjsNode, "binding", name));
  await compile(compiler, [
    "-std=c++17",
    ...common,
    `-I${options.tensorflowHeaders}`,
    "-o",
    layout.addon,
    ...sources,
    ...libraries,
  ]);
  const guard = join(dirname(require.resolve("@v-triune/backend/package.json")), "native", "stderr-guard.c");
  await compile(compiler, [...common, "-o", layout.guard, "-x", "c", guard, ...(mac ? [] : ["-ldl"])]);
}

/**
 * Compiles v-triune's own kernels for decoding and for training (native/decoding, native/training), each where its file
 * is missing, beside the other addons. They need no header of TensorFlow's.
 *
 * @returns whether anything was missing
 * @throws NativeInstallError "compile"
 */
export async function compileOwnKernels(
  options: Pick<CompileOptions, "compiler" | "layout" | "nodeHeaders">,
): Promise<boolean> {
  const missing = ownKernels(options.layout).filter(({ file }) => !existsSync(file));
  await Promise.all(missing.map(({ file, source }) => compileKernels(source, file, options)));
  return missing.length > 0;
}

/** The addons of v-triune's own kernels. */
export function ownKernels(layout: NativeLayout): { readonly file: string; readonly source: string }[] {
  return [
    { file: decodeKernelsFile(layout), source: join(decodeSourceFolder(), "decode-kernels.c") },
    { file: trainingKernelsFile(layout), source: join(trainingSourceFolder(), "training-ops.c") },
  ];
}

async function compileKernels(
  source: string,
  file: string,
  { compiler, nodeHeaders }: Pick<CompileOptions, "compiler" | "nodeHeaders">,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const mac = process.platform === "darwin";
  const shared = mac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"];
  // A process that computes may have a file of this name open: it is replaced, never written into.
  const partial = `${file}.${process.pid}`;
  try {
    await compile(compiler, [
      "-x",
      "c",
      "-std=gnu11",
      "-O3",
      "-ffp-contract=fast",
      // A loop with square roots is only computed several numbers at a time where none of them may set errno.
      "-fno-math-errno",
      "-Wno-psabi",
      "-fPIC",
      ...shared,
      "-DNAPI_VERSION=8",
      `-I${nodeHeaders}`,
      "-o",
      partial,
      source,
      ...(mac ? [] : ["-lpthread", "-ldl", "-lm"]),
    ]);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

async function compile(compiler: string, args: readonly string[]): Promise<void> {
  const result = await runCommand(compiler, args);
  if (result.status === 0) return;
  throw new NativeInstallError({
    code: "compile",
    what: "The addon does not compile.",
    where: `${compiler} ${args.join(" ")}`,
    found: lastLines(result, 12),
    fix: "use g++ 9 or newer, or name another compiler in CXX",
  });
}

/**
 * Removes the libraries' symbol tables in place (814 to 606 MiB); without `strip` they stay as they are.
 *
 * @returns whether they were stripped
 */
export async function stripLibraries(layout: NativeLayout): Promise<boolean> {
  const files = libraryFileNames().map((name) => join(layout.libraries, name));
  const result = await runCommand("strip", [process.platform === "darwin" ? "-x" : "-s", ...files]);
  return result.status === 0;
}

/**
 * The mangled name of `absl::SetMinLogLevel` in a library: it carries Abseil's release, which differs between
 * TensorFlow releases. Read from the file's dynamic string table, without binutils.
 */
export async function findLogLevelSymbol(library: string): Promise<string | undefined> {
  const pattern = /_ZN4absl\w{0,16}14SetMinLogLevelENS\w{0,8}18LogSeverityAtLeastE/;
  let tail = "";
  for await (const chunk of createReadStream(library, { highWaterMark: 1 << 22, encoding: "latin1" })) {
    const text = tail + (chunk as string);
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found;
    tail = text.slice(-200);
  }
  return undefined;
}
