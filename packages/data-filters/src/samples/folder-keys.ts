/**
 * Values that writers put into the names of folders and not into the files (Hive partitioning): the files below
 * `data_source=clevr` have no column `data_source` of their own then.
 */

/** The value of `name` in the folders of a path, or undefined. The innermost folder wins. */
export function keyOfFolder(file: string, name: string): string | undefined {
  const folders = file.split(/[\\/]/).slice(0, -1);
  const found = folders.findLast((folder) => folder.startsWith(`${name}=`));
  const value = found?.slice(name.length + 1);
  if (value === undefined || value === "" || value === "__HIVE_DEFAULT_PARTITION__") return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
