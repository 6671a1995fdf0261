/** TensorFlow's libraries and headers in a folder the user already has: no download, no copy. */
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { NativeInstallError } from "../backend-error";
import { libraryFileNames } from "../native/native-folder";

/** What was found in the folder. */
export interface FoundLibrary {
  /** The folder of the two libraries. */
  readonly libraries: string;
  /** The folder to give the compiler with -I. */
  readonly include: string;
  /** NVIDIA's wheels installed beside that TensorFlow, if any. */
  readonly nvidia: string | undefined;
}

/**
 * Looks for an installed Python tensorflow, a virtual or conda environment, a site-packages folder or a bare
 * libtensorflow_cc below the folder named.
 *
 * @throws NativeInstallError "library"
 */
export function findLibrary(folder: string): FoundLibrary {
  const start = resolve(folder);
  const names = libraryFileNames();
  const sites = [start, ...sitePackages(start)];
  for (const candidate of [
    ...sites.flatMap((site) => [site, join(site, "tensorflow")]),
    join(start, "lib"),
    join(start, "lib64"),
  ]) {
    if (!names.every((name) => existsSync(join(candidate, name)))) continue;
    const include = [join(candidate, "include"), join(dirname(candidate), "include"), join(start, "include")].find(
      (path) => existsSync(join(path, "tensorflow", "c", "c_api.h")),
    );
    if (include === undefined) {
      throw new NativeInstallError({
        code: "library",
        what: "The libraries are there, but not the headers of TensorFlow's C API.",
        where: candidate,
        expected: "include/tensorflow/c/c_api.h beside them",
        fix: "name the folder of a complete Python tensorflow, or install without --library",
      });
    }
    const nvidia = join(dirname(candidate), "nvidia");
    return {
      libraries: realpathSync(candidate),
      include,
      nvidia: existsSync(nvidia) ? realpathSync(nvidia) : undefined,
    };
  }
  throw new NativeInstallError({
    code: "library",
    what: "No TensorFlow was found in the folder named with --library.",
    where: start,
    expected: `${names.join(" and ")} in it, in tensorflow/, or in lib/python3.*/site-packages/tensorflow/`,
    found: existsSync(start) ? "neither" : "the folder does not exist",
    fix: 'name the folder that python3 -c "import tensorflow; print(tensorflow.__path__[0])" prints',
  });
}

function sitePackages(root: string): string[] {
  return ["lib", "lib64"].flatMap((lib) => {
    const folder = join(root, lib);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((entry) => /^python3\.\d+$/.test(entry))
      .flatMap((entry) => [join(folder, entry, "site-packages"), join(folder, entry, "dist-packages")]);
  });
}

/** Links the libraries (and CUDA beside them) into an install, where their own run paths find each other. */
export function linkLibrary(
  found: FoundLibrary,
  target: { readonly libraries: string; readonly nvidia: string },
): void {
  mkdirSync(target.libraries, { recursive: true });
  for (const name of libraryFileNames()) link(join(found.libraries, name), join(target.libraries, name));
  if (found.nvidia !== undefined) link(found.nvidia, target.nvidia);
}

function link(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  symlinkSync(from, to);
}
