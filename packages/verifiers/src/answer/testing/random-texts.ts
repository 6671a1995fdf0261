/** What breaks readers: commands, marks and brackets, cut anywhere. */
export const PIECES: readonly string[] = (
  "\\boxed{ \\frac \\sqrt \\text{ } { ( ) [ ] $ $$ \\( \\] ** ` <think> </think> <answer> </answer> 答案： \\begin{pmatrix} \\end{pmatrix} & \\\\ , ; : = < " +
  "\\le \\in \\pm \\cup ^ _ ! % ° ½ √ ² x 2 10 -3 .5 1,000 cm #### \\{ \\} | \\overline{ e10 ^{99999999} !! May am not or and apples B (B) A. 3:4 12:30 " +
  "2020-05-06 10-20 \\infty \\log_ \\sin i \\binom{5} 三 个 第 千 0.(3) ... '' 2h 30min yes no"
)
  .split(" ")
  .concat([" ", "\n", "The answer is ", " or ", " and ", '{"answer": "', '"}', "\ud800", " = "]);

/** Texts made of pieces, the same for the same seed (mulberry32). */
export function randomTexts(seed: number): () => string {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () =>
    Array.from({ length: 1 + Math.floor(random() * 14) }, () => PIECES[Math.floor(random() * PIECES.length)]!).join("");
}
