import type { Command } from "../command";
import { sourcesCommand } from "./sources";

/** The program's commands, in the order in which people meet them. */
export const commands: readonly Command[] = [sourcesCommand];
