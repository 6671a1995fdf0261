/** Chemical formulas: H2O, C_6H_{12}O_6, Ca^{2+}. They are codes: their letters are no factors. */
const ELEMENTS = new Set(
  "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Nd Sm Eu Gd W Re Os Ir Pt Au Hg Tl Pb Bi Po Rn Ra Th U Pu".split(
    " ",
  ),
);
const CHARGE = /\^ ?\{?\d?[+-]\}?$/;
const FORMULA = /^\d{0,2}(?:\(?[A-Z][a-z]?(?:_?\{?\d{1,3}\}?)?(?:\)_?\{?\d{0,3}\}?)?)+$/;

/** A reaction with one arrow and no blanks, so that two ways to write it compare; undefined for anything else. */
export function reactionKey(written: string): string | undefined {
  const sides = written.split(/->|-->|\\to(?![a-z])|\\rightleftharpoons|=/);
  if (sides.length !== 2) return undefined;
  const terms = sides.map((side) =>
    side.split("+").map((term) => term.replace(/[ _{}^]|\((?:s|l|g|aq)\)|\\(?:uparrow|downarrow)/g, "")),
  );
  if (
    !terms
      .flat()
      .every((term) => FORMULA.test(term) && (term.match(/[A-Z][a-z]?/g) ?? []).every((symbol) => ELEMENTS.has(symbol)))
  )
    return undefined;
  return terms.map((side) => side.join("+")).join("->");
}

/** Whether a text is a chemical formula of two elements or more, or an ion. */
export function isChemical(written: string): boolean {
  const text = written.replace(/ /g, "");
  if (text.length > 60) return false;
  const charge = CHARGE.test(text);
  const bare = text.replace(CHARGE, "");
  if (!FORMULA.test(bare)) return false;
  const symbols = bare.match(/[A-Z][a-z]?/g) ?? [];
  return (
    (symbols.length > 1 || (charge && symbols.length === 1)) &&
    (charge || /\d/.test(bare)) &&
    symbols.every((symbol) => ELEMENTS.has(symbol))
  );
}
