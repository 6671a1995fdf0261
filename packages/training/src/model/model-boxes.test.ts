import { expect, it } from "vitest";
import { modelFamilies } from "@v-triune/policy";
import { BOX_CONVENTIONS } from "@v-triune/verifiers";
import { conventionOfModel } from "@v-triune/verifiers/detection";
import { resolveTrainingConfig } from "../config/load-training-config";
import type { LoadedModel } from "./load-model";
import { modelBoxes } from "./model-boxes";

const config = resolveTrainingConfig({ model: "m", data: { train: "d" } }, "/x");
const model = (modelType: string) => ({ policy: { config: { modelType } } }) as unknown as LoadedModel;

it.each(modelFamilies.map(({ modelType, boxConvention }) => [modelType, boxConvention] as const))(
  "boxes of %s are %s, by its family as by its name",
  (modelType, convention) => {
    expect(BOX_CONVENTIONS).toContain(convention);
    expect(modelBoxes(config, model(modelType))).toEqual({
      override: null,
      model: convention,
      repeats: "free",
    });
    expect(conventionOfModel(modelType)).toBe(convention);
  },
);

it("the configuration's convention goes with it", () => {
  const reward = { ...config.reward, boxes: "unit" as const };
  expect(modelBoxes({ reward }, model("qwen2_5_vl")).override).toBe("unit");
});

it("repeated boxes are free in training, as in the paper, and cost what the configuration asks for", () => {
  const reward = { ...config.reward, repeatedBoxes: "charge" as const };
  expect(modelBoxes(config, model("qwen2_5_vl")).repeats).toBe("free");
  expect(modelBoxes({ reward }, model("qwen2_5_vl")).repeats).toBe("charge");
});
