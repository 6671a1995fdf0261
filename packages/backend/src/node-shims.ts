/** What tfjs-node 4.22 still expects of Node and of the process's environment. */
import util from "node:util";

/**
 * Defines `util.isNullOrUndefined` and `util.isArray` where Node no longer has them (removed in Node 23; tfjs-node's
 * kernels call them). Leaves a Node that still has them alone, so that no deprecation warning appears.
 */
export function installNodeShims(target: object = util): void {
  const define = (name: string, value: (x: unknown) => boolean): void => {
    if (!(name in target)) Object.defineProperty(target, name, { value, configurable: true, writable: true });
  };
  define("isNullOrUndefined", (x) => x === null || x === undefined);
  define("isArray", (x) => Array.isArray(x));
}
