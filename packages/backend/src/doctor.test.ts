import { describe, expect, it } from "vitest";
import { formatDoctor, runDoctor, type DoctorReport } from "./doctor";
import { type BackendReport, inspectBackends } from "./inspect-backends";

const report: DoctorReport = {
  machine: {
    system: "linux 6.1.0 x64",
    processor: "AMD EPYC",
    cores: 16,
    memoryBytes: 128 * 2 ** 30,
    freeMemoryBytes: 100 * 2 ** 30,
    node: "v20.20.2",
  },
  nvidia: {
    present: true,
    reason: "",
    driver: "550.54.15",
    devices: [{ name: "NVIDIA H200", memoryMiB: 143_771, computeCapability: "9.0" }],
  },
  chosen: "tensorflow",
  backends: [
    {
      name: "tensorflow-gpu",
      works: false,
      description: "",
      version: "",
      reason: "TensorFlow was loaded but does not use the GPU (failed call to cuInit: CUDA_ERROR_SYSTEM_NOT_READY)",
      howToGet: "The CUDA 12 libraries need driver 525 or newer.",
      usesGpu: false,
      startupLog: "",
    },
    {
      name: "tensorflow",
      works: true,
      description: "TensorFlow 2.21.0 on the CPU",
      version: "2.21.0",
      reason: "",
      howToGet: "",
      usesGpu: false,
      startupLog: "",
      decoding: { works: true, instructions: "AVX2" },
      measurement: {
        products: [{ shape: [1024, 1024, 1024], form: "plain", gflops: 492.6 }],
        microsecondsPerOp: 4.49,
        trainedTokensPerSecond: 12_345.6,
      },
    },
  ],
  nativeFolder: "/home/me/.cache/v-triune/native",
  installs: [
    { variant: "cpu", state: "present", detail: "TensorFlow 2.21.0 from tensorflow-cpu==2.21.0", cudaWheels: [] },
    {
      variant: "cuda",
      state: "present",
      detail: "TensorFlow 2.18.1 from tensorflow==2.18.1",
      cudaWheels: ["nvidia-cublas-cu12==12.5.3.2", "nvidia-cudnn-cu12==9.3.0.75"],
    },
  ],
  canInstallNative: { available: true, missing: [], python: undefined, pip: undefined, compiler: undefined },
};

describe("formatDoctor", () => {
  it("reads well at 80 columns", () => {
    const lines = formatDoctor(report).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines).toEqual([
      "Machine",
      "  system         linux 6.1.0 x64, Node v20.20.2",
      "  processor      AMD EPYC, 16 cores",
      "  memory         128.0 GiB, 100.0 GiB free",
      "  GPU            NVIDIA H200, 140.4 GiB, compute 9.0, driver 550.54.15",
      "",
      "Backends, fastest first",
      "  tensorflow-gpu - TensorFlow was loaded but does not use the GPU (failed call",
      "                 to cuInit: CUDA_ERROR_SYSTEM_NOT_READY)",
      "                 to get it: The CUDA 12 libraries need driver 525 or newer.",
      "  tensorflow     TensorFlow 2.21.0 on the CPU <- v-triune uses this one",
      "",
      "Measured here",
      "                 tokens trained/s   GFLOPS   microseconds per op",
      "  tensorflow               12,346      493                   4.5",
      "  Tokens: training steps of 2560 tokens, 4 plain layers of width 128. GFLOPS:",
      "  products of 1024 x 1024 x 1024. An op adds 16 numbers.",
      "",
      "Native TensorFlow",
      "  folder         /home/me/.cache/v-triune/native",
      "  cpu            TensorFlow 2.21.0 from tensorflow-cpu==2.21.0",
      "  cuda           TensorFlow 2.18.1 from tensorflow==2.18.1",
      "                 cublas 12.5.3.2, cudnn 9.3.0.75",
      "  decoding       by v-triune's own kernels (AVX2)",
      "",
    ]);
  });

  it("says why the native kernels do not decode, and how to get them", () => {
    const howToGet = "npx v-triune native install";
    const decoding = { works: false, reason: "not compiled yet for this version of v-triune", howToGet } as const;
    const backends = report.backends.map((backend) => ({ ...backend, decoding }));
    expect(
      formatDoctor({ ...report, backends })
        .split("\n")
        .slice(-4),
    ).toEqual([
      "  decoding       without v-triune's native kernels: not compiled yet for this",
      "                 version of v-triune",
      "                 to get them: npx v-triune native install",
      "",
    ]);
  });

  it("names what updates take by default", () => {
    const said = (training: NonNullable<BackendReport["training"]>): string =>
      formatDoctor({ ...report, backends: report.backends.map((backend) => ({ ...backend, training })) })
        .split("\n  training ")[1]!
        .trim()
        .replace(/\s+/g, " ");
    expect(said({ works: true, instructions: "AVX-512" })).toBe(
      "by v-triune's own kernels (AVX-512), which update.computeWith: auto takes",
    );
    expect(said({ works: false, reason: "the GPU trains" })).toBe(
      "without v-triune's native kernels: the GPU trains; update.computeWith: auto takes TensorFlow's ops",
    );
  });

  it("offers the install where it is possible and nothing native is there", () => {
    const absent = report.installs.map((install) => ({
      ...install,
      state: "absent" as const,
      detail: "not installed",
      cudaWheels: [],
    }));
    expect(formatDoctor({ ...report, installs: absent })).toContain("npx v-triune native install");
    const impossible = { ...report.canInstallNative, available: false, missing: ["Python 3 is missing"] };
    expect(formatDoctor({ ...report, installs: absent, canInstallNative: impossible })).toContain(
      "not possible here yet: Python 3 is missing",
    );
  });
});

describe("the real machine", () => {
  it("has wasm, tried and measured in a process of its own", async () => {
    const [wasm] = await inspectBackends({
      names: ["wasm"],
      measure: { products: [{ shape: [64, 64, 64], form: "plain" }] },
    });
    expect(wasm).toMatchObject({ name: "wasm", works: true, reason: "", version: "4.22.0" });
    expect(wasm?.measurement?.products[0]?.gflops).toBeGreaterThan(0.01);
  });

  it("gets a report in which the backend chosen is the first that works", async () => {
    const found = await runDoctor({ measure: false });
    expect(found.backends.map(({ name }) => name)).toEqual(["tensorflow-gpu", "tensorflow", "webgpu", "wasm"]);
    expect(found.chosen).toBe(found.backends.find(({ works }) => works)?.name);
    expect(found.backends.filter(({ works }) => !works).every(({ reason }) => reason !== "")).toBe(true);
    expect(
      Math.max(
        ...formatDoctor(found)
          .split("\n")
          .filter((line) => !line.includes("/"))
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
  });
});
