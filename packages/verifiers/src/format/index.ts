/** Format rewards: whether a response has the form that the prompt asked for. */
export { extractAnswer } from "./answer-text";
export { countOccurrences } from "./count-occurrences";
export { detectionFormat } from "./detection-format";
export { mathverifyFormat, THINK_ANSWER_MARKS, type FormatOptions } from "./mathverify-format";
export { STRICT_THINK_ANSWER_FORMAT, THINK_ANSWER_FORMAT, tagFormat, tagMarks, type TagFormat } from "./tag-format";
