/**
 * The layers: which package may import which. `npm run lint` holds every import against this table, and
 * docs/architecture.md shows it. A package may import only packages above it here, so no two can ever import each
 * other.
 */
export interface Layer {
  /** Packages of this workspace that it may import, beside {@link EVERYWHERE}; `"all"` are all above it. */
  readonly imports: readonly string[] | "all";
  /** What only its tests, benches and `testing/` folders may import in addition. */
  readonly inTests?: readonly string[];
  /** Packages whose page parts, files of their folder `web`, it builds into pages of its own. */
  readonly pages?: readonly string[];
  /** Whether it may import TensorFlow.js. */
  readonly tensorflow?: true;
}

/** What every package may import. */
export const EVERYWHERE: readonly string[] = ["errors"];

/** Packages by name, without the scope. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  errors: { imports: [] },
  "node-kit": { imports: [] },
  schema: { imports: ["node-kit"] },
  verifiers: { imports: [] },
  rewards: { imports: ["schema", "verifiers", "node-kit"] },
  "data-filters": { imports: ["schema", "verifiers", "node-kit"] },
  backend: { imports: ["node-kit"], tensorflow: true },
  grpo: { imports: [], inTests: ["backend"], tensorflow: true },
  policy: { imports: ["node-kit"], inTests: ["backend"], tensorflow: true },
  monitor: { imports: ["schema", "verifiers", "node-kit"] },
  "reward-server": { imports: ["rewards", "verifiers", "node-kit"] },
  rollouts: { imports: ["schema", "verifiers", "rewards", "policy"] },
  "demo-tasks": { imports: ["schema", "data-filters", "rollouts"] },
  engines: { imports: ["schema", "policy", "rollouts", "node-kit"], inTests: ["backend", "demo-tasks"] },
  benchmarks: { imports: ["verifiers", "node-kit"] },
  tinker: { imports: ["node-kit"] },
  training: {
    imports: [
      "schema",
      "verifiers",
      "rewards",
      "data-filters",
      "grpo",
      "backend",
      "policy",
      "monitor",
      "rollouts",
      "engines",
      "benchmarks",
      "tinker",
      "node-kit",
    ],
    inTests: ["demo-tasks"],
    tensorflow: true,
  },
  "v-triune": { imports: "all", tensorflow: true },
  playground: { imports: "all", pages: ["monitor"], tensorflow: true },
};
