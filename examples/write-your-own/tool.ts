import type { Tool } from "@v-triune/rollouts/tools";
import { checkTool } from "@v-triune/rollouts/conformance";
import { type } from "arktype";

// Any library with Standard Schema describes arguments: arktype, zod, valibot.
const schema = type({ x: "number.integer >= 0", y: "number.integer >= 0" });

const colorAt: Tool<typeof schema.infer> = {
  name: "color_at",
  description: "Says which color a pixel of the picture has.",
  schema,
  parameters: schema.toJsonSchema() as Record<string, unknown>,
  async call({ x, y }, { pictures }) {
    const { width, height, data } = await pictures[0]!.pixels();
    // A mistake of the model is a fault that it reads, not an error.
    if (x >= width || y >= height)
      return { fault: `the picture has ${width} x ${height} pixels` };
    const at = 3 * (y * width + x);
    return { text: `rgb(${[...data.subarray(at, at + 3)].join(", ")})` };
  },
};
export default colorAt;

const findings = await checkTool(colorAt, { calls: [{ x: 3, y: 2 }] });
console.log(findings); // an empty list: it keeps the contract
// []
