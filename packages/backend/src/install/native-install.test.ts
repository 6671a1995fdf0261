import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NativeInstallError } from "../backend-error";
import { probeBackend } from "../probe/probe-backend";
import { compileOwnKernels } from "./compile";
import { installNative } from "./install-native";
import { findLibrary, linkLibrary } from "./library-folder";
import { readManifest, recordFiles, type NativeManifest } from "../native/manifest";
import { decodeKernelsFile } from "../native/decode-kernels";
import {
  layoutOf,
  libraryFileNames,
  type NativeLayout,
  nativeLayout,
  nativeRoot,
  variantFolderName,
} from "../native/native-folder";
import { installedNative } from "../testing/installed-native";
import { formatNativeStatus, uninstallNative, verifyNative } from "./native-status";
import { findTools } from "./preflight";
import { cudaRequirements, downloadWheel, unpackWheel, wheelPlatforms, wheelRequirement } from "./wheel";

let root: string;
let compiler: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "v-triune-native-"));
  // A compiler that fails, so that the refusals before and after it are the same on a machine without one.
  compiler = join(mkdtempSync(join(tmpdir(), "v-triune-compiler-")), "g++");
  const script =
    'if [ "$1" = --version ]; then echo "g++ 4.8"; exit 0; fi\necho "error: unrecognized option -std=c++17" >&2\nexit 1';
  writeFileSync(compiler, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
});
afterEach(() => {
  for (const folder of [root, dirname(compiler)]) rmSync(folder, { recursive: true, force: true });
});
const env = (): NodeJS.ProcessEnv => ({ ...process.env, V_TRIUNE_NATIVE_DIR: root, CXX: compiler });

async function failure(promise: Promise<unknown>): Promise<NativeInstallError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NativeInstallError);
  return error as NativeInstallError;
}

/** An install whose files are what they claim, though nothing in them is TensorFlow. */
async function fakeInstall(change: Partial<NativeManifest> = {}): Promise<string> {
  const layout = nativeLayout("cpu", env());
  for (const folder of [layout.libraries, join(layout.addon, "..")]) mkdirSync(folder, { recursive: true });
  writeFileSync(layout.addon, "not an addon");
  writeFileSync(layout.guard, "not an addon either");
  for (const name of libraryFileNames()) writeFileSync(join(layout.libraries, name), name);
  const files = await recordFiles(layout.folder, [
    "lib/napi-v8/tfjs_binding.node",
    ...libraryFileNames().map((name) => `deps/lib/${name}`),
  ]);
  const manifest: NativeManifest = {
    format: 1,
    variant: "cpu",
    platform: process.platform,
    arch: process.arch,
    tensorflow: "2.21.0",
    tfjsNode: "4.22.0",
    origin: { kind: "wheel", requirement: "tensorflow-cpu==2.21.0", file: "x.whl", sha256: "0" },
    stripped: true,
    compiler: "g++",
    node: process.version,
    headers: "",
    cudaWheels: [],
    files,
    ...change,
  };
  writeFileSync(layout.manifest, JSON.stringify(manifest));
  return layout.folder;
}

describe("where it is kept", () => {
  it("follows V_TRIUNE_NATIVE_DIR, then XDG_CACHE_HOME, then the home folder", () => {
    expect(nativeRoot({ V_TRIUNE_NATIVE_DIR: "/a/b" })).toBe("/a/b");
    expect(nativeRoot({ XDG_CACHE_HOME: "/c" })).toBe("/c/v-triune/native");
    expect(nativeRoot({})).toMatch(/v-triune\/native$/);
  });
});

describe("what pip is asked for", () => {
  it("is the CPU wheel on x64, the plain one elsewhere, a pinned one for CUDA", () => {
    expect(wheelRequirement("cpu", "linux", "x64")).toBe("tensorflow-cpu==2.21.0");
    expect(wheelRequirement("cpu", "linux", "arm64")).toBe("tensorflow==2.21.0");
    expect(wheelRequirement("cuda", "linux", "x64")).toBe("tensorflow==2.18.1");
    expect(wheelPlatforms("linux", "arm64")).toContain("manylinux_2_27_aarch64");
    expect(wheelPlatforms("darwin", "arm64")[0]).toBe("macosx_12_0_arm64");
  });

  it("takes the CUDA wheels from the wheel's own metadata, without NCCL", () => {
    const lines = [
      "numpy<2.1.0,>=1.26.0",
      'nvidia-cublas-cu12==12.5.3.2; extra == "and-cuda"',
      'nvidia-cudnn-cu12 <10.0, >=9.3.0.75 ; extra == "and-cuda"',
      'nvidia-nccl-cu12==2.23.4; extra == "and-cuda"',
    ];
    expect(cudaRequirements(lines)).toEqual(["nvidia-cublas-cu12==12.5.3.2", "nvidia-cudnn-cu12<10.0,>=9.3.0.75"]);
  });
});

describe("readManifest and verifyNative", () => {
  it("tell a damaged install by its sizes, and a changed one by its hashes", async () => {
    const folder = await fakeInstall();
    const layout = layoutOf(folder);
    expect(readManifest(layout).state).toBe("present");
    const library = join(layout.libraries, libraryFileNames()[0]);
    writeFileSync(library, "X".repeat(readFileSync(library).length));
    const changed = await verifyNative({ env: env() });
    expect(changed).toMatchObject({
      state: "broken",
      problems: [expect.stringContaining("has changed since the install")],
    });
    truncateSync(library, 3);
    expect(readManifest(layout)).toMatchObject({ state: "broken", reason: expect.stringContaining("has 3 bytes") });
    rmSync(library);
    expect(readManifest(layout)).toMatchObject({ state: "broken", reason: expect.stringContaining("is missing") });
  });

  it("tell a library whose Python environment is gone", async () => {
    const folder = await fakeInstall();
    const library = join(layoutOf(folder).libraries, libraryFileNames()[0]);
    rmSync(library);
    symlinkSync("/nowhere/libtensorflow_cc.so.2", library);
    expect(readManifest(layoutOf(folder))).toMatchObject({ reason: expect.stringContaining("its link leads nowhere") });
  });

  it("tell an install for another machine and one of a later format", async () => {
    const folder = await fakeInstall({ arch: "mips" });
    expect(readManifest(layoutOf(folder))).toMatchObject({
      state: "broken",
      reason: expect.stringContaining("-mips, this is"),
    });
    await fakeInstall({ format: 2 as 1 });
    expect(readManifest(layoutOf(folder))).toMatchObject({
      state: "broken",
      reason: expect.stringContaining("format 1"),
    });
  });

  it("tell an addon that does not load, from a process of its own", async () => {
    await fakeInstall();
    const status = await verifyNative({ env: env() });
    expect(status.state).toBe("broken");
    expect(status.problems[0]).toMatch(/^TensorFlow's native addon does not load/);
  });

  it("are silent about what is missing", async () => {
    expect(await verifyNative({ env: env() })).toMatchObject({ state: "absent", problems: [] });
  });
});

describe("probeBackend", () => {
  it("survives a child that dies of its signal", async () => {
    const layout = layoutOf(root);
    mkdirSync(join(layout.addon, ".."), { recursive: true });
    const addon = join(root, "kill.js");
    writeFileSync(addon, "process.kill(process.pid, 'SIGILL'); for (;;) {}");
    const finding = await probeBackend({ backend: "tensorflow", addon: { addon, folder: root } });
    expect(finding).toMatchObject({ ok: false, reason: expect.stringContaining("SIGILL") });
  });

  it("ends a child that hangs", async () => {
    const addon = join(root, "hang.js");
    writeFileSync(addon, "for (;;) {}");
    const finding = await probeBackend({ backend: "tensorflow", addon: { addon, folder: root } }, 3_000);
    expect(finding).toMatchObject({ ok: false, reason: expect.stringContaining("did not answer within 3 s") });
  });
});

describe("uninstallNative", () => {
  it("removes an install and what a broken-off one left", async () => {
    const folder = await fakeInstall();
    mkdirSync(`${folder}.partial`);
    expect(uninstallNative({ env: env() }).sort()).toEqual([folder, `${folder}.partial`].sort());
    expect(existsSync(folder)).toBe(false);
    expect(uninstallNative({ env: env() })).toEqual([]);
  });

  it("leaves a folder that it did not make alone, unless forced", () => {
    const folder = join(root, variantFolderName("cpu"));
    mkdirSync(folder);
    writeFileSync(join(folder, "thesis.tex"), "");
    expect(() => uninstallNative({ env: env() })).toThrow(NativeInstallError);
    expect(existsSync(join(folder, "thesis.tex"))).toBe(true);
    expect(uninstallNative({ env: env(), force: true })).toEqual([folder]);
  });
});

describe("--library", () => {
  const place = (folder: string): void => {
    mkdirSync(join(folder, "include", "tensorflow", "c"), { recursive: true });
    writeFileSync(join(folder, "include", "tensorflow", "c", "c_api.h"), "");
    for (const name of libraryFileNames()) writeFileSync(join(folder, name), "");
  };

  it("finds a TensorFlow in a virtual environment and links it with its CUDA", () => {
    const site = join(root, "venv", "lib", "python3.11", "site-packages");
    place(join(site, "tensorflow"));
    mkdirSync(join(site, "nvidia", "cudnn", "lib"), { recursive: true });
    for (const named of [join(root, "venv"), site, join(site, "tensorflow")]) {
      expect(findLibrary(named)).toEqual({
        libraries: join(site, "tensorflow"),
        include: join(site, "tensorflow", "include"),
        nvidia: join(site, "nvidia"),
      });
    }
    const layout = layoutOf(join(root, "install"));
    linkLibrary(findLibrary(join(root, "venv")), layout);
    expect(existsSync(join(layout.libraries, libraryFileNames()[1]))).toBe(true);
    expect(existsSync(join(layout.nvidia, "cudnn", "lib"))).toBe(true);
  });

  it("finds one in a conda environment", () => {
    const prefix = join(root, "conda");
    place(join(prefix, "lib"));
    expect(findLibrary(prefix).libraries).toBe(join(prefix, "lib"));
  });

  it("says what is missing", async () => {
    expect((await failure(installNative({ library: join(root, "nothing"), env: env() }))).found).toBe(
      "the folder does not exist",
    );
    for (const name of libraryFileNames()) writeFileSync(join(root, name), "");
    expect((await failure(installNative({ library: root, env: env() }))).expected).toContain("c_api.h");
  });
});

describe("a second install at the same time", () => {
  it("is refused while the first one's process lives", async () => {
    const lock = join(root, `${variantFolderName("cpu")}.lock`);
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    const error = await failure(installNative({ library: root, env: env() }));
    // The lock is taken before the library is looked at.
    expect([error.code, error.found]).toEqual(["locked", `process ${process.pid} on ${hostname()}`]);
  });

  it("takes over the lock of a process that is gone", async () => {
    const lock = join(root, `${variantFolderName("cpu")}.lock`);
    writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    expect((await failure(installNative({ library: root, env: env() }))).code).toBe("library");
    expect(existsSync(lock)).toBe(false);
  });
});

describe("a full disk", () => {
  it("is told from other failures of pip", async () => {
    const python = join(root, "python3");
    writeFileSync(
      python,
      "#!/bin/sh\n" +
        "echo 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device' >&2\nexit 1\n",
      { mode: 0o755 },
    );
    const error = await failure(
      downloadWheel({ python, requirement: "tensorflow-cpu==2.21.0", downloads: join(root, "downloads") }),
    );
    expect([error.code, error.fix]).toEqual(["disk", expect.stringContaining("V_TRIUNE_NATIVE_DIR")]);
  });
});

describe("a compiler that fails", () => {
  it("is quoted, and what was there before stays", async () => {
    const folder = await fakeInstall();
    const library = join(root, "tf");
    mkdirSync(join(library, "include", "tensorflow", "c"), { recursive: true });
    writeFileSync(join(library, "include", "tensorflow", "c", "c_api.h"), "");
    for (const name of libraryFileNames()) writeFileSync(join(library, name), "");
    const error = await failure(installNative({ library, env: env() }));
    expect([error.code, error.found]).toEqual(["compile", "error: unrecognized option -std=c++17"]);
    expect(readManifest(layoutOf(folder)).state).toBe("present");
  });
});

const tools = findTools();
const noPip = tools.python === undefined || tools.pip === undefined;
if (noPip) console.warn("Skipping the tests of downloads: they need python3 with pip.");

describe("the kernels that decode and train", () => {
  it("leave nothing half-written where they do not compile", async () => {
    const layout = nativeLayout("cpu", env());
    const error = await failure(compileOwnKernels({ compiler, layout, nodeHeaders: root }));
    expect(error.code).toBe("compile");
    expect(readdirSync(dirname(layout.addon))).toEqual([]);
  });
});

describe.skipIf(noPip)("downloads", () => {
  const python = tools.python?.command ?? "";

  it("name pip's complaint when the index has nothing", async () => {
    const options = {
      python,
      requirement: "tensorflow-cpu==0.0.1",
      downloads: join(root, "downloads"),
      pipArguments: ["--no-index"],
    };
    const error = await failure(downloadWheel(options));
    expect(error.code).toBe("download");
    expect(error.found).toMatch(/No matching distribution found/);
  });

  it("are taken up again, and a half-downloaded wheel is thrown away", async () => {
    const downloads = join(root, "downloads");
    mkdirSync(downloads);
    const wheel = join(downloads, "tensorflow_cpu-2.21.0-cp311-cp311-linux.whl");
    const make =
      "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w')\n" +
      "for n in sys.argv[2:]: z.writestr(n, 'content of ' + n)\nz.close()";
    const [cc, framework] = libraryFileNames();
    const members = [
      `tensorflow/${cc}`,
      `tensorflow/${framework}`,
      "tensorflow/include/tensorflow/c/c_api.h",
      "tensorflow-2.dist-info/METADATA",
    ];
    spawnSync(python, ["-c", make, wheel, ...members]);
    // No network is asked: the wheel is there.
    expect(
      await downloadWheel({ python, requirement: "tensorflow-cpu==2.21.0", downloads, pipArguments: ["--no-index"] }),
    ).toBe(wheel);
    const target = { python, wheel, libraries: join(root, "lib"), include: join(root, "include") };
    const unpacked = await unpackWheel(target);
    expect(unpacked.wheelSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(join(root, "lib", framework), "utf8")).toBe(`content of tensorflow/${framework}`);
    expect(existsSync(join(root, "include", "tensorflow", "c", "c_api.h"))).toBe(true);

    truncateSync(wheel, 100);
    const error = await failure(unpackWheel(target));
    expect([error.code, error.where, existsSync(wheel)]).toEqual(["wheel", wheel, false]);
  });
});

const installed = installedNative("the install of this machine")?.folder !== undefined;

/** This machine's install in the test's folder: links to its files. */
function linkedInstall(): NativeLayout {
  const [own, linked] = [nativeLayout("cpu"), nativeLayout("cpu", env())];
  const state = readManifest(own);
  if (state.state !== "present") throw new Error("no install to link");
  for (const { path } of state.manifest.files) {
    mkdirSync(dirname(join(linked.folder, path)), { recursive: true });
    symlinkSync(join(own.folder, path), join(linked.folder, path));
  }
  symlinkSync(own.manifest, linked.manifest);
  return linked;
}

describe.skipIf(!installed)("the install of this machine", () => {
  it("is sound", async () => {
    expect(await verifyNative()).toMatchObject({ state: "sound", problems: [], usesGpu: false });
  });

  const own = tools.compiler;
  it.skipIf(own === undefined)(
    "gets the kernels that decode when installed again, and is left alone then",
    async () => {
      const layout = linkedInstall();
      const kernels = async () => {
        const finding = await probeBackend({ backend: "tensorflow", addon: layout });
        return finding.ok ? finding.decoding : undefined;
      };
      expect(await kernels()).toMatchObject({ works: false, howToGet: "npx v-triune native install" });
      const told: string[] = [];
      const onProgress = ({ message }: { message: string }) => void told.push(message);
      expect((await installNative({ env: env(), onProgress })).changed).toBe(false);
      expect(told).toContainEqual(
        expect.stringMatching(/^Left out: the kernels that decode and train do not compile here \(error: /),
      );
      const withCompiler = { ...env(), CXX: own!.command };
      expect((await installNative({ env: withCompiler })).changed).toBe(true);
      expect(await kernels()).toMatchObject({ works: true });
      expect((await installNative({ env: withCompiler })).changed).toBe(false);
      writeFileSync(decodeKernelsFile(layout), "not an addon");
      expect(await kernels()).toMatchObject({ works: false, howToGet: "npx v-triune native install --force" });
    },
    240_000,
  );

  it("works also where only the package with the kernels is missing, and says how to get it", async () => {
    const hook = join(root, "no-tfjs-node.cjs");
    writeFileSync(
      hook,
      `const Module = require("node:module");
       const resolve = Module._resolveFilename;
       Module._resolveFilename = function (request, ...rest) {
         if (!request.startsWith("@tensorflow/tfjs-node")) return resolve.call(this, request, ...rest);
         throw Object.assign(new Error("Cannot find module " + request), { code: "MODULE_NOT_FOUND" });
       };`,
    );
    vi.stubEnv("NODE_OPTIONS", `--require ${hook}`);
    const status = await verifyNative();
    vi.unstubAllEnvs();
    expect(status).toMatchObject({ state: "sound", problems: [] });
    expect(formatNativeStatus(status)).toBe(
      `Works: TensorFlow ${status.manifest?.tensorflow} in ${status.folder}\n` +
        "To use it here: npm install --ignore-scripts @tensorflow/tfjs-node@4.22.0\n",
    );
  });
});
