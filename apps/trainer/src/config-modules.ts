import type { ConfigModules } from "@v-triune/training/config";

/**
 * What a TypeScript configuration can import wherever this command is installed: all that the package `v-triune`
 * exports.
 */
export const configModules: ConfigModules = { "v-triune": () => import("./index") };
