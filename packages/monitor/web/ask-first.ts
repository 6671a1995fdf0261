/** The script of the page's head. */
import "./first-answers";
import { firstQuestions } from "./first-questions";
import { answerAt } from "./question-address";
import { parseRoute } from "./route";

window.firstAnswers = new Map(
  firstQuestions(parseRoute(location.hash)).map((address) => {
    const answer = answerAt(address);
    // Whoever takes it is told of a failure.
    answer.catch(() => undefined);
    return [address, answer];
  }),
);
