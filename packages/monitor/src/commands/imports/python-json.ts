/**
 * JSON as Python's `json.dump` writes it: with NaN, Infinity and -Infinity, which JSON does not have. They become the
 * strings "NaN", "Infinity" and "-Infinity"; the same words inside a text stay as they are.
 */
const STRINGS_AND_WORDS = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs;

/** @throws SyntaxError for what is not JSON either way */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(STRINGS_AND_WORDS, (found) => (found.startsWith('"') ? found : `"${found}"`)));
  }
}
