/** The part of this package that needs no files: questions, their samples and the recipe, for a browser. */
export { demoRecipe, promptsPerStep, samplesForSteps } from "./demo-recipe";
export { colorNames, colors, pictureSize, shapeNames } from "./drawing/canvas";
export type { DemoQuestion } from "./drawing/question";
export { heldOutQuestions, trainingQuestions, type SourcedQuestion } from "./question-stream";
export { sampleOf } from "./sample-of";
export { demoSourceNames, demoSources, type DemoSourceName } from "./sources";
