/** Tells by its first bytes what a file is that should be a table or a picture. */

/** What was found in the place of a table or a picture, and what to do. */
export interface ForeignFile {
  readonly found: string;
  readonly fix: string;
}

/** Bytes that are looked at. */
export const HEAD_BYTES = 512;

/** Texts by their first characters, archives by their first bytes. */
const KINDS: readonly (ForeignFile & { readonly text?: RegExp; readonly bytes?: readonly string[] })[] = [
  {
    text: /^version https:\/\/git-lfs\.github\.com\/spec/,
    found: "a Git LFS pointer, not the file itself",
    fix: "run `git lfs pull` in the clone, or download the file",
  },
  {
    text: /^(\u00ef\u00bb\u00bf)?\s*<(!doctype html|html|head|\?xml[^]*<html)/i,
    found: "a web page (HTML)",
    fix: "download the file itself; the page may ask for a login or a license",
  },
  { bytes: ["1f8b"], found: "a gzip archive", fix: "unpack it with gunzip" },
  { bytes: ["28b52ffd"], found: "a Zstandard archive", fix: "unpack it with unzstd" },
  { bytes: ["fffe", "feff"], found: "text in UTF-16", fix: "save it as UTF-8" },
];

/** What the beginning of a file is, if it is neither a table nor a picture; undefined otherwise. */
export function foreignBytes(bytes: Uint8Array): ForeignFile | undefined {
  const head = bytes.subarray(0, HEAD_BYTES);
  const text = Array.from(head, (byte) => String.fromCharCode(byte)).join("");
  const hex = Array.from(head.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const kind = KINDS.find((one) => one.text?.test(text) ?? one.bytes?.some((start) => hex.startsWith(start)));
  return kind === undefined ? undefined : { found: kind.found, fix: kind.fix };
}
