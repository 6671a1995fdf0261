import { describe, expect, it } from "vitest";
import { verifierMatchers, type VerifierMatchers } from "./vitest";

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-explicit-any
  interface Matchers<T = any> extends VerifierMatchers<T> {}
}
expect.extend(verifierMatchers);

const message = (assertion: () => void): string => {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};
const BOXES = [{ bbox_2d: [10, 10, 90, 80], label: "cat" }];

describe("verifierMatchers in vitest", () => {
  it("toMatchAnswer", () => {
    expect("<think>4 cm?</think> The width is **50 mm**.").toMatchAnswer("5 cm");
    expect("12 to 30").not.toMatchAnswer("12-30", { type: "code" });
    expect(message(() => expect("It is 6 cm.").toMatchAnswer("5 cm"))).toMatch(
      /^expected the answer "5 cm"\n {2}gold +read as number "5 cm"\n {2}received +read as "6 ?cm"[^]*\n {2}because/,
    );
    expect(message(() => expect("5").toMatchAnswer(" "))).toContain("skipped: gold: it is empty");
    expect(message(() => expect("5 cm").not.toMatchAnswer("5 cm"))).toContain("another text than");
  });

  it("toEqualMath", () => {
    expect("So $x = \\frac{1}{2}$.").toEqualMath("x = 1/2");
    expect("The answer is \\boxed{0.5}.").toEqualMath("\\frac{1}{2}");
    expect("\\boxed{\\sqrt{8}}").toEqualMath("2\\sqrt{2}");
    expect("\\boxed{2}").not.toEqualMath("2\\pi");
    expect(message(() => expect("\\boxed{0.4}").toEqualMath("1/2"))).toMatch(
      /gold +read as [^]*received +read as 0\.4/,
    );
    expect(message(() => expect("none").toEqualMath("1/2"))).toContain("received  read as nothing");
  });

  it("toMatchBoxes", () => {
    const text = "<answer>[{'bbox_2d': [12, 10, 90, 80], 'label': 'cat'}]</answer>";
    expect(text).toMatchBoxes(BOXES, { iou: 0.9 });
    expect(BOXES).toMatchBoxes(text);
    expect(message(() => expect(text).toMatchBoxes(BOXES, { iou: 0.99 }))).toMatch(
      /found +0 of 1\n {2}missing +cat \[10, 10, 90, 80\]\n {2}too many +cat \[12, 10, 90, 80\]/,
    );
    expect(text).not.toMatchBoxes([...BOXES, { bbox_2d: [200, 200, 300, 300], label: "dog" }]);
    expect(message(() => expect(text).toMatchBoxes("none"))).toContain("no boxes can be read");
  });

  it("toMatchJsonSchema", () => {
    const schema = { type: "object", required: ["n"] };
    expect('Here it is: ```json\n{"n": 3}\n```').toMatchJsonSchema(schema);
    expect({ n: 3 }).toMatchJsonSchema(schema);
    expect(message(() => expect('{"m": 3}').toMatchJsonSchema(schema))).toContain("expected the schema");
    expect(message(() => expect("{}").toMatchJsonSchema(null as never))).toContain("because   params: schema");
  });
});
