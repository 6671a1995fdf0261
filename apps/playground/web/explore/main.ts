import { isSupported } from "../browser-support";

// Without it the page's own sentence stays.
if (isSupported()) void import("./app");
