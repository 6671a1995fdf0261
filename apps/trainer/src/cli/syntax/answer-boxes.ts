/**
 * The conventions of the boxes in answers that an option may name: all but `pixels`, because the sizes of stored
 * pictures are not known here.
 */
export const ANSWER_BOXES = ["resized-pixels", "thousandths", "thousandths-999", "unit", "yx-thousandths"] as const;
export type AnswerBoxes = (typeof ANSWER_BOXES)[number];
