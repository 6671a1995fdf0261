import { selectBackend } from "@v-triune/backend";
import { createProcessor, loadQwen25Vl } from "@v-triune/policy";

await selectBackend({ prefer: "wasm" });
const folder = "node_modules/v-triune/assets/demo-model"; // or any Qwen2.5-VL folder
const processor = createProcessor(folder);
const policy = await loadQwen25Vl(folder);

const gray = { width: 84, height: 84, data: new Uint8Array(84 * 84 * 3).fill(118) };
const question = { type: "text" as const, text: "How many circles are there?" };
const prompt = await processor.encode(
  [{ role: "user", content: [{ type: "image" }, question] }],
  [gray],
);
console.log(prompt.images?.gridThw[0]?.join(" "), "patches");

for await (const { tokenIds } of policy.generate([prompt], {
  temperature: 0,
  maxNewTokens: 24,
  seed: 1,
})) {
  console.log(/\\boxed\{.*\}/.exec(processor.decode(tokenIds))?.[0]);
}
// 1 6 6 patches
// \boxed{5}
