import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

// probe-child is the entry of the child process in which a backend is tried.
export default defineConfig(preset(["src/index.ts", "src/browser/index.ts", "src/probe/probe-child.ts"]));
