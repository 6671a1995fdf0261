import { selectBackend } from "@v-triune/backend";
import { can, probeEngine } from "@v-triune/engines";
import { RolloutStandIn } from "@v-triune/engines/testing";

// A stand-in for your server: it speaks vLLM's protocol and answers with the demo model.
await selectBackend({ prefer: "wasm" });
const server = await RolloutStandIn.start({
  protocol: "vllm",
  model: "node_modules/v-triune/assets/demo-model",
});

const report = await probeEngine({ url: server.url }); // about twenty short requests
console.log(report.kind, report.model);
console.log(
  "pictures:",
  can(report, "pictures"),
  "log-probabilities:",
  can(report, "log_probs"),
);
await server.stop();
// vllm node_modules/v-triune/assets/demo-model
// pictures: true log-probabilities: true
