/**
 * Iterates like `for await`, but an abort also ends a wait for the next item. Otherwise an input that waits for
 * generation would keep an aborted call from ending.
 *
 * @throws the signal's reason when it is aborted
 */
export async function* abortable<T>(
  items: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  signal?.throwIfAborted();
  if (signal === undefined || !(Symbol.asyncIterator in items)) {
    for await (const item of items) {
      signal?.throwIfAborted();
      yield item;
    }
    return;
  }
  const iterator = items[Symbol.asyncIterator]();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)));
  // When the abort comes, no step may be waiting for it; the next one finds it.
  aborted.catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const step = await Promise.race([aborted, iterator.next()]);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    // Not awaited: a generator that waits answers only when its wait is over.
    void iterator.return?.()?.catch(() => undefined);
  }
}
