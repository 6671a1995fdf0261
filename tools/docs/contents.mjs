/**
 * The pages of the docs site, in the order of its navigation. The site shows a page of `docs/` that is in no group
 * under "More".
 *
 * @type {readonly { readonly group: string, readonly pages: readonly string[] }[]}
 */
export const contents = [
  { group: "Start", pages: ["concepts", "playground", "troubleshooting", "hardware"] },
  {
    group: "Guides",
    pages: [
      "guides/rewards-in-your-trainer",
      "guides/your-own-data",
      "guides/train-your-model",
      "guides/contribute-a-verifier",
    ],
  },
  {
    group: "Reward your own trainer",
    pages: [
      "reward-server",
      "python",
      "choosing-a-verifier",
      "judges",
      "auditing-a-verifier",
      "evaluation-frameworks",
      "openenv",
      "tinker",
    ],
  },
  { group: "Build a corpus", pages: ["curation"] },
  { group: "Watch a run", pages: ["dashboard", "metrics"] },
  {
    group: "Train",
    pages: [
      "training",
      "configuration",
      "choosing-a-recipe",
      "turns",
      "tool-forms",
      "detection-reward",
      "native",
      "performance",
    ],
  },
  {
    group: "Write your own",
    pages: [
      "write-your-own/README",
      "write-your-own/verifier",
      "write-your-own/reward-source",
      "write-your-own/rollout-engine",
      "write-your-own/tool",
      "write-your-own/benchmark",
      "write-your-own/metric-sink",
      "write-your-own/policy",
      "write-your-own/source-adapter",
      "write-your-own/filter-rule",
      "add-a-verifier",
      "model-families",
    ],
  },
  {
    group: "Experiments",
    pages: [
      "experiments/README",
      "experiments/reward-design",
      "experiments/freeze",
      "experiments/task-mix",
      "experiments/on-off-policy",
      "experiments/learning-rate",
      "experiments/difficulty-sampling",
      "experiments/adaptive-iou",
    ],
  },
  {
    group: "Inside",
    pages: [
      "architecture",
      "papers",
      "math-verify-differences",
      "dependencies",
      "words",
      "decisions/0001-wasm-kernels-of-our-own",
      "decisions/0002-rollouts-of-a-prompt-are-one-tree",
      "decisions/0003-randomness-is-a-function-of-the-step",
      "decisions/0004-losses-on-the-host",
      "decisions/0005-threads-do-not-show-in-the-numbers",
      "decisions/0006-a-verdict-carries-its-state",
      "decisions/0007-imports-and-words-are-checked-by-scripts",
      "decisions/0008-a-run-is-packages-that-serve-alone",
      "decisions/0009-bfloat16-is-stored-not-computed",
      "decisions/0010-the-docs-site-is-made-by-typedoc",
    ],
  },
];
