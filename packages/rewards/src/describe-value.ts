/** A value from outside as error texts show it: its JSON, at most 60 characters; a value too deep for that is named as such. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return "something nested too deep";
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
