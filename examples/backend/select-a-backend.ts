import { selectBackend } from "@v-triune/backend";

// Without `prefer` it takes the fastest that works: tensorflow-gpu, tensorflow or wasm.
const backend = await selectBackend({ prefer: "wasm", threads: 1 });
console.log(backend.name);
for (const { name, reason, howToGet } of backend.passedOver)
  console.log(name, reason, howToGet);
// wasm
