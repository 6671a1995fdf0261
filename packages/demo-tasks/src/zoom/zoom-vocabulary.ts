/**
 * The vocabulary of the model that looks closer: the demonstration's, then the words of calls and of these questions.
 */
import { vocabulary } from "../vocabulary";

export const zoomVocabulary: readonly string[] = [
  ...vocabulary,
  "<tool_call>\n",
  '{"name": "crop", "arguments": {"bbox_2d": [',
  "]}}\n</tool_call>",
  "<tool_response>\n",
  "\n</tool_response>",
  " frame",
  " You",
  " may",
  " zoom",
];
