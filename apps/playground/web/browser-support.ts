/**
 * A WebAssembly module with a function that returns a vector, `() → v128: i8x16.splat(0)`: engines without SIMD refuse
 * it. Magic number and version; types; functions; code.
 */
const SIMD_MODULE = Uint8Array.from(
  "0061736d01000000 01050160 00017b 03020100 0a08010600 4100fd0f0b".replaceAll(" ", "").match(/../g)!,
  (byte) => parseInt(byte, 16),
);

/** Whether this browser can run the pages: look-behind, array copies of ES2023, WebAssembly SIMD. */
export function isSupported(): boolean {
  try {
    const hasLookBehind = new RegExp("(?<=a)b").test("ab");
    return hasLookBehind && "toSorted" in Array.prototype && WebAssembly.validate(SIMD_MODULE);
  } catch {
    return false;
  }
}
