import { parse, verify } from "@v-triune/verifiers/math";

const gold = parse("\\boxed{\\frac{1}{2}}");
for (const response of ["so it is 0.5", "$x = \\frac{2}{4}$", "about 0.51"]) {
  console.log(response, verify(gold, parse(response)));
}
// so it is 0.5 true
// $x = \frac{2}{4}$ true
// about 0.51 false
