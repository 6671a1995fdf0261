import type { Verifier } from "@v-triune/verifiers";

const hanging: Verifier = {
  name: "hanging",
  verify: () => {
    for (;;);
  },
};
export default hanging;
