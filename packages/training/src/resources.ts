/** What a run opens: closed in the reverse order, whatever happens. */
interface Opened {
  readonly close: () => unknown;
}

export class Resources {
  readonly #opened: Opened[] = [];

  /**
   * Waits for a resource and closes it when the run ends.
   *
   * @returns the resource
   */
  async open<Resource>(
    resource: Resource | Promise<Resource>,
    close: (resource: Resource) => unknown,
  ): Promise<Resource> {
    const opened = await resource;
    this.#opened.push({ close: () => close(opened) });
    return opened;
  }

  /**
   * Closes all resources, the last one first. One that fails to close does not keep the others open.
   *
   * @throws the first error that closing threw
   */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let next = this.#opened.pop(); next; next = this.#opened.pop()) {
      try {
        await next.close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

/**
 * Runs `body` and closes what it opened.
 *
 * @throws what `body` throws, else what closing throws
 */
export async function withResources<Result>(body: (resources: Resources) => Promise<Result>): Promise<Result> {
  const resources = new Resources();
  let result: Result;
  try {
    result = await body(resources);
  } catch (error) {
    // What went wrong first is what a person has to know.
    await resources.close().catch(() => {});
    throw error;
  }
  await resources.close();
  return result;
}
