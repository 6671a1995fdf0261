import type { BoxConvention } from "@v-triune/verifiers";
import { calculate } from "./calculate";
import { type CropOptions, createCropTool } from "./crop";
import { createMarkTool } from "./mark";
import { createMeasureTool } from "./measure";
import { rotate } from "./rotate";
import type { Tool } from "./tool";
import type { BuiltInToolName } from "./tool-names";

/**
 * A tool by its name.
 *
 * @param boxes in which convention the model writes boxes and points
 */
export function builtInTool(
  name: BuiltInToolName,
  boxes: BoxConvention,
  crop: Omit<CropOptions, "boxes"> & { readonly boxes?: BoxConvention } = {},
): Tool {
  switch (name) {
    case "crop":
      return createCropTool({ boxes, ...crop });
    case "rotate":
      return rotate;
    case "mark":
      return createMarkTool({ boxes });
    case "measure":
      return createMeasureTool({ boxes });
    case "calculate":
      return calculate;
  }
}
