/** The Tool seam, the tools of this package, and the forms in which models call them. */
export { type CallForm, type ObservationMessage, callForm } from "./turns/call-form";
export { type Conversation, type ConversationEnd, type ConversationTurn, maskOf } from "./turns/conversation";
export { Conversations, type TurnRules } from "./turns/conversations";
export { type LookQuality, type Region, goldRegions, lookQuality, lookedRegions, statedRegions } from "./turns/looks";
export { type ContinuationText, continuationText, continuationTokens } from "./turns/observation-tokens";
export { builtInTool } from "./tools/built-in-tools";
export { BUILT_IN_TOOLS, type BuiltInToolName, CALL_FORMS, type CallFormName, isBuiltInTool } from "./tools/tool-names";
export { calculate } from "./tools/calculate";
export {
  CALL_LIMITS,
  type CallLimits,
  type CalledTool,
  type ReturnedPicture,
  type ToolCall,
  callTool,
} from "./tools/call-tool";
export { type CropArguments, type CropOptions, createCropTool, cutOut } from "./tools/crop";
export { type MarkArguments, createMarkTool } from "./tools/mark";
export { type MeasureArguments, createMeasureTool } from "./tools/measure";
export { type RotateArguments, rotate } from "./tools/rotate";
export type { ArgumentSchema, LookedAt, PixelSize, Tool, ToolContext, ToolPicture, ToolResult } from "./tools/tool";
