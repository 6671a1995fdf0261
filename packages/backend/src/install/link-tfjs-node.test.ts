import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NativeInstallError } from "../backend-error";
import { installedNative } from "../testing/installed-native";
import { linkTfjsNode } from "./link-tfjs-node";

const installed = installedNative("links to an installed addon")?.folder !== undefined;
if (!installed) console.warn("Skipping the link to tfjs-node: it needs npx v-triune native install.");

describe.skipIf(!installed)("linkTfjsNode", () => {
  let project: string;
  beforeAll(() => {
    // A project of its own: a copy of tfjs-node, everything else from this workspace.
    project = mkdtempSync(join(tmpdir(), "v-triune-link-"));
    const source = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-node/package.json"));
    const modules = join(project, "node_modules");
    mkdirSync(join(modules, "@tensorflow"), { recursive: true });
    cpSync(source, join(modules, "@tensorflow", "tfjs-node"), { recursive: true });
    const workspace = dirname(dirname(source));
    for (const name of [
      "tfjs",
      "tfjs-core",
      "tfjs-layers",
      "tfjs-converter",
      "tfjs-data",
      "tfjs-backend-cpu",
      "tfjs-backend-webgl",
    ]) {
      symlinkSync(join(workspace, "@tensorflow", name), join(modules, "@tensorflow", name));
    }
    for (const name of ["@mapbox", "google-protobuf", "progress", "adm-zip", "rimraf", "tar"]) {
      if (existsSync(join(workspace, name))) symlinkSync(join(workspace, name), join(modules, name));
    }
    writeFileSync(join(project, "package.json"), "{}");
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it("makes a plain require of tfjs-node work", () => {
    linkTfjsNode(project);
    linkTfjsNode(project);
    const script =
      'const u = require("util"); u.isNullOrUndefined ??= (x) => x == null; u.isArray ??= Array.isArray;' +
      'const tf = require("@tensorflow/tfjs-node"); console.log(tf.getBackend(), tf.matMul(tf.ones([2, 3]), tf.ones([3, 2])).dataSync()[0]);';
    const answer = spawnSync(process.execPath, ["-e", script], { cwd: project, encoding: "utf8" });
    expect(answer.stdout.trim()).toBe("tensorflow 3");
  });

  it("leaves an addon alone that is not its link", () => {
    const lib = join(project, "node_modules", "@tensorflow", "tfjs-node", "lib");
    rmSync(lib, { force: true });
    mkdirSync(lib);
    expect(() => linkTfjsNode(project)).toThrow(NativeInstallError);
    expect(existsSync(lib)).toBe(true);
  });

  it("says when there is nothing to link to, or into", () => {
    expect(() => linkTfjsNode(project, { env: { V_TRIUNE_NATIVE_DIR: join(project, "none") } })).toThrow(
      /no sound native install/,
    );
    expect(() => linkTfjsNode("/")).toThrow(/has no @tensorflow\/tfjs-node/);
  });
});
