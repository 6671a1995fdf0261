/**
 * `target_modules` of a saved adapter, so that peft finds the same layers. An expression may say more than its layers:
 * here only linear layers are looked at, whereas peft also tries norms, activations and whole blocks, and refuses what
 * is not linear. What is written matches the layers that have matrices and nothing else: ends of names where they are
 * enough (servers prefer them), or an expression, or the names.
 */

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * @param targets as they were given
 * @param adapted the layers with matrices, by their names in transformers 5's memory
 * @param modules all layers with parameters, by the same names
 */
export function peftTargets(
  targets: readonly string[] | string,
  adapted: readonly string[],
  modules: readonly string[],
): readonly string[] | string {
  if (targets === "all-linear") return targets;
  const wanted = new Set(adapted);
  const known = new Set(modules.flatMap(withParents));
  const matchesOnlyWanted = (matches: (name: string) => boolean): boolean =>
    [...known].every((name) => matches(name) === wanted.has(name));
  const lists = [...(typeof targets === "string" ? [] : [targets]), [...new Set(adapted.map(lastPart))]];
  for (const ends of lists)
    if (matchesOnlyWanted((name) => ends.some((end) => name === end || name.endsWith(`.${end}`)))) return ends;
  // The same layers of every block in one alternative: `layers\.\d+\.self_attn\.q_proj`.
  const alternatives = new Set(adapted.map((name) => escaped(name).replaceAll(/\\\.\d+(?=\\\.)/g, "\\.\\d+")));
  const pattern = [...alternatives].join("|");
  const expression = new RegExp(`^(?:${pattern})$`);
  return matchesOnlyWanted((name) => expression.test(name)) ? pattern : adapted;
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** A layer and all that it is a part of. */
function withParents(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, i) => parts.slice(0, i + 1).join("."));
}
