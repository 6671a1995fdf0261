/** What tfjs-node 4.22 still expects of Node and of the process's environment. */
import util from "node:util";

/**
 * Adds `util.isNullOrUndefined` and `util.isArray`, which tfjs-node's kernels call, where Node ≥ 23 removed them, and
 * in place of an older Node's own, which print a deprecation warning.
 *
 * @param target the module to put them in; default Node's `util`
 */
export function installNodeShims(target: object = util): void {
  const define = (name: string, value: (x: unknown) => boolean): void => {
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true });
  };
  define("isNullOrUndefined", (x) => x === null || x === undefined);
  define("isArray", (x) => Array.isArray(x));
}
