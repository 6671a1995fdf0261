import { fileURLToPath } from "node:url";

/**
 * The package's folder. This file lies one level below it as a source, and so does the built file that it ends up in.
 */
export const packageRoot = fileURLToPath(new URL("..", import.meta.url));
