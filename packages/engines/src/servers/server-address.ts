/**
 * The address of a server without what stands behind it. OpenAI's clients are given an address that ends in /v1, and
 * many people copy that one, or the whole path of a request.
 *
 * @example serverAddress("http://127.0.0.1:8000/v1/") // "http://127.0.0.1:8000"
 */
export function serverAddress(url: string): string {
  return url.trim().replace(/\/*(\/v1(\/chat\/completions|\/completions|\/models)?)?\/*$/, "");
}
