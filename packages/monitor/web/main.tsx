import { render } from "preact";
import { Dashboard } from "./dashboard";
import { FirstAnswers } from "./first-answers";
import { httpBackend } from "./http-backend";
import { embeddedReport, reportBackend } from "./report-backend";

/** Milliseconds after which a page is shown without its first answers. With them it is laid out and painted once. */
const LONGEST_WAIT = 150;

const report = embeddedReport();
const first = new FirstAnswers();
await first.arrive(LONGEST_WAIT);
const backend = report === undefined ? httpBackend(first) : reportBackend(report);
render(<Dashboard backend={backend} />, document.getElementById("app")!);
first.end();
