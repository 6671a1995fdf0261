export { carelessAnswer } from "./careless-annotator";
export { writeHeldOutData, writeTrainingData } from "./demo-data";
export { pictureSize } from "./drawing/canvas";
export type { DemoQuestion } from "./drawing/question";
export { demoModelConfig, writeDemoModelFolder } from "./model-folder";
export { drawQuestion, fingerprints, heldOutQuestions } from "./question-stream";
export { responseText } from "./response";
export { demoSourceNames, demoSources } from "./sources";
export { toSample } from "./to-sample";
