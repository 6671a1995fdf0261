import { selectBackend } from "@v-triune/backend";
import { createProcessor, loadVlm } from "@v-triune/policy";

await selectBackend({ prefer: "wasm" });
const folder = "node_modules/v-triune/assets/demo-model"; // or any Qwen-VL folder
const processor = createProcessor(folder);
const policy = await loadVlm(folder);

// A picture of two red squares; a path or the bytes of a PNG or JPEG do as well.
const picture = { width: 84, height: 84, data: new Uint8Array(84 * 84 * 3) };
function paint(from: number, to: number, color: readonly number[]) {
  for (let y = from; y < to; y++) {
    for (let x = from; x < to; x++) picture.data.set(color, (y * picture.width + x) * 3);
  }
}
paint(0, 84, [122, 116, 104]);
paint(5, 23, [230, 30, 30]);
paint(61, 79, [230, 30, 30]);

const question = { type: "text" as const, text: "How many squares are there?" };
const prompt = await processor.encode(
  [{ role: "user", content: [{ type: "image" }, question] }],
  [picture],
);
const sampling = { temperature: 0, maxNewTokens: 24, seed: 1 };
for await (const { tokenIds } of policy.generate([prompt], sampling)) {
  console.log(
    processor.decode(tokenIds, { skipSpecialTokens: true }).replaceAll(/\s+/g, " "),
  );
}
// <think> </think> <answer> \boxed{2} </answer>
