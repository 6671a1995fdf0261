/** What the checks of the docs read of a Markdown page. */

/** A link or a picture of a page. */
export interface PageLink {
  readonly line: number;
  readonly target: string;
}

const withoutCode = (text: string): string =>
  text
    .replaceAll(/^(`{3,}|~{3,})[^]*?^\1\s*$/gm, (block) => block.replaceAll(/[^\n]/g, ""))
    .replaceAll(/^( {4,}|\t).*$/gm, "")
    .replaceAll(/`[^`\n]*(\n[^`\n]*)?`/g, (code) => code.replaceAll(/[^\n]/g, " "));

/** Links and pictures outside of code, with their lines from 1. */
export function linksOf(text: string): PageLink[] {
  const prose = withoutCode(text);
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(({ 1: target = "", index }) => ({
    line: prose.slice(0, index).split("\n").length,
    target,
  }));
}

/** The anchors that GitHub and the docs site give a page's headings. */
export function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.replaceAll(/^(`{3,})[^]*?^\1\s*$/gm, "").matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

/** Command lines of `v-triune` in code blocks: the words behind the program's name, comments left out. */
export function commandsOf(text: string): { readonly line: number; readonly words: readonly string[] }[] {
  return text.split("\n").flatMap((row, index) => {
    const match = /^\s*(?:\$ )?(?:npx )?v-triune ([a-z].*)$/.exec(row);
    if (match === null) return [];
    const [command = ""] = match[1]!.split(/\s+#|\s\||\s&&|\s>|\\$/);
    const words = command.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
    return [{ line: index + 1, words: words.map((word) => word.replaceAll(/^['"]|['"]$/g, "")) }];
  });
}

/** Plain words of the prose, with their lines: no code, no addresses, no names with capitals inside. */
export function proseWords(text: string): { readonly line: number; readonly word: string }[] {
  const prose = withoutCode(text)
    .replaceAll(/<!--[^]*?-->|<[^>\n]*>/g, (tag) => tag.replaceAll(/[^\n]/g, " "))
    .replaceAll(/\]\([^)]*\)/g, "] ")
    .replaceAll(/https?:\/\/\S+|\S+\.(?:md|ts|js|py|json|yaml|com|org|io|dev)\b|\S*[/@_=]\S*/g, " ");
  return prose.split("\n").flatMap((row, index) =>
    [...row.matchAll(/(?<![\p{L}\p{N}.\\$-])[A-Z]?[a-z]+(?:['’][a-z]+)?(?![\p{L}\p{N}])/gu)].map(([word]) => ({
      line: index + 1,
      word: word.replace("’", "'"),
    })),
  );
}
