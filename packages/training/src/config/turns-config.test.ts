import { join } from "node:path";
import { expect, it } from "vitest";
import { resolveTrainingConfig } from "./load-training-config";
import type { TrainingConfigInput } from "./training-config-schema";

const resolved = (input: Partial<TrainingConfigInput>) =>
  resolveTrainingConfig({ model: "m", data: { train: "d" }, ...input } as TrainingConfigInput, "/x");

it("names tools of the package, and reads every other name as a module", () => {
  const { turns } = resolved({
    rollout: { turns: { tools: ["crop", { name: "crop", square: true }, "./my-tool.js"] } },
  }).rollout;
  expect(turns).toEqual({
    max: 6,
    tools: [{ name: "crop" }, { name: "crop", square: true }, { module: join("/x", "my-tool.js") }],
    form: "hermes",
    overTurn: "mask",
    offer: "auto",
    maxShownTokens: 4096,
    maxShownPixels: null,
    deadline: 10,
    maxCalls: null,
    memoryMb: 256,
  });
  expect(resolved({ rollout: { turns: { tools: "rotate" } } }).rollout.turns?.tools).toEqual([{ name: "rotate" }]);
  // What was resolved is valid input.
  const again = resolved({ rollout: { turns: turns as never } });
  expect(again.rollout.turns).toEqual(turns);
});

it.each<[Partial<TrainingConfigInput>, RegExp]>([
  [{ rollout: { turns: { max: 0 } } }, /rollout.turns.max/],
  [{ rollout: { turns: { form: "xml" as never } } }, /rollout.turns.form/],
  [{ rollout: { turns: { maxCalls: 0 } } }, /rollout.turns.maxCalls/],
  [{ rollout: { turns: { tools: [{ name: "crop", boxes: "inches" as never }] } } }, /rollout.turns.tools/],
  [{ reward: { tools: { whenRight: 1 } } }, /Answers of one turn call no tools that could be paid/],
  [
    { rollout: { turns: {} }, reward: { tools: { whenRight: 1 } }, algorithm: { advantage: "gdpo" } },
    /gdpo normalizes the components of the reward; those of tools are not among them/,
  ],
])("refuses %j", (input, message) => expect(() => resolved(input)).toThrow(message));
