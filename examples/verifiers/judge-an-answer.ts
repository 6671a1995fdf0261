import {
  createDetectionVerifier,
  createVerifierRegistry,
  mathverify,
} from "@v-triune/verifiers";

const detection = createDetectionVerifier({ epsilon: 0.5 });
const registry = createVerifierRegistry([mathverify, detection]);

const math = registry.get("mathverify");
const right = math.verify("The answer is \\boxed{0.5}.", {
  groundTruth: "\\boxed{\\frac{1}{2}}",
});
console.log(right.status, right.status === "scored" && right.accuracy);

// A gold answer that cannot be read is no fault of the model.
const badGold = math.verify("\\boxed{0.5}", { groundTruth: "" });
console.log(badGold.status);

const boxes = registry
  .get("detection")
  .verify("<answer>[{'bbox_2d': [12, 10, 90, 80], 'label': 'cat'}]</answer>", {
    groundTruth: "<answer>[{'bbox_2d': [10, 10, 90, 80], 'label': 'cat'}]</answer>",
  });
console.log(boxes.status === "scored" && boxes.accuracy.toFixed(3));
// scored 1
// skipped
// 0.982
