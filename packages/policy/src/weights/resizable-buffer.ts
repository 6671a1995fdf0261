/** The part of ES2024's `ArrayBuffer` that Node.js 20 has. */
export type ResizableBuffer = ArrayBuffer & { resize(bytes: number): void };
type ResizableConstructor = new (bytes: number, options: { maxByteLength: number }) => ResizableBuffer;

/**
 * Memory that begins on a page, and whose size can change: what it gives up goes back to the system at once.
 *
 * @param most bytes that it may grow to
 */
export function resizableBuffer(bytes: number, most = bytes): ResizableBuffer {
  return new (ArrayBuffer as unknown as ResizableConstructor)(bytes, { maxByteLength: most });
}
