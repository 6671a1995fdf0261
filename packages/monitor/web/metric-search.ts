/**
 * What is typed into a search for metrics: a part of the name, a glob (`actor/*norm`), or a regular expression
 * (`iou|map`, `^val-`), told apart by the characters in it.
 */
export interface NameSearch {
  matches(name: string): boolean;
  /** Why the text is no pattern; undefined if it is one. */
  readonly problem: string | undefined;
}

/** Upper and lower case are alike. A glob is the whole name; a regular expression may be a part of it. */
export function nameSearch(text: string): NameSearch {
  const wanted = text.trim().toLowerCase();
  const part = { matches: (name: string) => name.toLowerCase().includes(wanted), problem: undefined };
  if (!/[*?|^$()[\]+\\]/.test(wanted)) return part;
  const isGlob = /^[^|^$()[\]+\\]*$/.test(wanted) && !wanted.includes(".*");
  const source = isGlob ? `^${wanted.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".")}$` : text.trim();
  try {
    const expression = new RegExp(source, "i");
    return { matches: (name) => expression.test(name), problem: undefined };
  } catch (error) {
    const [, reason = "it cannot be read"] = /: ([^:]+)$/.exec((error as Error).message) ?? [];
    return { matches: () => false, problem: `This is no regular expression: ${reason}.` };
  }
}
