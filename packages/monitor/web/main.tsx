import { render } from "preact";
import { Dashboard } from "./dashboard";
import { httpBackend } from "./http-backend";
import { embeddedReport, reportBackend } from "./report-backend";

const report = embeddedReport();
const backend = report === undefined ? httpBackend() : reportBackend(report);
render(<Dashboard backend={backend} />, document.getElementById("app")!);
