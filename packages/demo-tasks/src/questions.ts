/** The part of this package that needs no files: questions, their samples and the recipe, for a browser. */
export { demoRecipe, promptsPerStep, samplesForSteps } from "./demo-recipe";
export {
  Canvas,
  cellSize,
  cellsPerSide,
  colorNames,
  pictureSize,
  shapeNames,
  type Color,
  type PlacedShape,
  type Shape,
} from "./drawing/canvas";
export { boxOf, inReadingOrder, type DemoQuestion } from "./drawing/question";
export { drawOther, fingerprints, heldOutQuestions, trainingQuestions, type SourcedQuestion } from "./question-stream";
export { sampleOf } from "./sample-of";
export { countingSource, type CountingOptions } from "./sources/count";
export { demoSourceNames, demoSources, type DemoSourceName } from "./sources";
