/** One tarball; sizes in bytes, that of a file before compression. */
export interface Tarball {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** Folder of the package. */
  readonly directory: string;
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/**
 * Packs packages that npm gets into `folder`, which is made if it is missing. Ends the process when one is not built.
 *
 * @param names packages that are packed with what they need of this workspace; default all
 * @throws RangeError for a name that no such package has
 */
export function packPackages(folder: string, names?: readonly string[]): Tarball[];
