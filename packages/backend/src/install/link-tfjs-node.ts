/** Lets `require("@tensorflow/tfjs-node")` itself work in a project, on an install that is already there. */
import { lstatSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { NativeInstallError } from "../backend-error";
import { readManifest } from "../native/manifest";
import { INSTALL_TFJS_NODE } from "../native/tfjs-node";
import { nativeLayout, type Environment, type NativeVariant } from "../native/native-folder";

/**
 * Links the addon into a project's copy of @tensorflow/tfjs-node. v-triune does not need it; other tfjs programs do,
 * and `npm ci` takes the link away again. Node ≥ 23 also needs `installNodeShims` before the require.
 *
 * @param project a folder from which @tensorflow/tfjs-node resolves
 * @returns the link
 * @throws NativeInstallError when there is no sound install, no tfjs-node, or an addon that is not such a link
 */
export function linkTfjsNode(
  project: string,
  options: { readonly variant?: NativeVariant; readonly env?: Environment } = {},
): string {
  const variant = options.variant ?? "cpu";
  const layout = nativeLayout(variant, options.env);
  const state = readManifest(layout);
  if (state.state !== "present") {
    throw new NativeInstallError({
      code: "verify",
      what: "There is no sound native install to link to.",
      where: layout.folder,
      found: state.state === "broken" ? state.reason : "nothing",
      fix: `npx v-triune native install${variant === "cuda" ? " --cuda" : ""}`,
    });
  }
  const folder = tfjsNodeOf(resolve(project));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  if (version !== state.manifest.tfjsNode) {
    throw new NativeInstallError({
      code: "tfjs-node",
      what: "The project's @tensorflow/tfjs-node is another version than the addon was compiled from.",
      where: folder,
      expected: state.manifest.tfjsNode,
      found: version,
      fix: `npm install --ignore-scripts @tensorflow/tfjs-node@${state.manifest.tfjsNode}`,
    });
  }
  const link = join(folder, "lib");
  const present = lstatSync(link, { throwIfNoEntry: false });
  if (present !== undefined && !present.isSymbolicLink()) {
    throw new NativeInstallError({
      code: "foreign",
      what: "This @tensorflow/tfjs-node already has an addon of its own.",
      where: link,
      fix: "delete that folder if it does not work, and run the command again",
    });
  }
  rmSync(link, { force: true });
  // Node resolves the link before it loads the addon, so the addon finds its libraries beside its real place.
  symlinkSync(join(layout.folder, "lib"), link, "dir");
  return link;
}

function tfjsNodeOf(project: string): string {
  try {
    return dirname(createRequire(join(project, "package.json")).resolve("@tensorflow/tfjs-node/package.json"));
  } catch (cause) {
    throw new NativeInstallError({
      code: "tfjs-node",
      what: "The project has no @tensorflow/tfjs-node.",
      where: project,
      fix: INSTALL_TFJS_NODE,
      cause,
    });
  }
}
