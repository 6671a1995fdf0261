import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(preset(["src/index.ts", "src/main.ts", "src/serve-model/model-thread.ts"]));
