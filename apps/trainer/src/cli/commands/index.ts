import type { Command } from "../command";
import { curateCommand } from "./curate";
import { demoCommand } from "./demo";
import { doctorCommand } from "./doctor";
import { nativeCommand } from "./native";
import { sourcesCommand } from "./sources";
import { trainCommand } from "./train";

/** The program's commands, in the order in which people meet them. */
export const commands: readonly Command[] = [demoCommand, curateCommand, trainCommand, sourcesCommand, doctorCommand, nativeCommand];
