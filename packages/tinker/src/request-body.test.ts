import { expect, it } from "vitest";
import { modelInput } from "./datum";
import { requestBody } from "./request-body";

const bytes = new Uint8Array(3000).map((_, at) => (at * 7) % 251);
const picture = { bytes, format: "png" as const, tokens: 3 };
const rows = Array.from({ length: 4 }, (_, row) => ({
  model_input: modelInput([1, 9, 9, 9, 10 + row], { pictures: [picture], placeholder: 9 }),
  loss_fn_inputs: { weights: { data: [0, 0.1, -1e-7], dtype: "float32", shape: null } },
}));

it("has the JSON of the whole, and the bytes of a shared picture once", () => {
  const body = { type: "forward", seq_id: undefined, empty: {}, none: [], forward_input: { data: rows, 'q"': 'a"b' } };
  const pieces = requestBody(body);
  expect(Buffer.concat(pieces).toString()).toBe(JSON.stringify(body));
  const large = pieces.filter(({ byteLength }) => byteLength > 4000);
  expect(large).toHaveLength(rows.length);
  expect(new Set(large).size).toBe(1);
});
