import type { Command } from "../syntax/command";
import { analyzeCommand } from "./analyze";
import { auditCommand } from "./audit";
import { createCompletionCommand } from "./completion";
import { contaminationCommand } from "./contamination";
import { curateCommand } from "./curate";
import { demoCommand } from "./demo";
import { doctorCommand } from "./doctor";
import { evalCommand } from "./eval";
import { exportCommand } from "./export";
import { initCommand } from "./init";
import { judgeCommand } from "./judge";
import { nativeCommand } from "./native";
import { newVerifierCommand } from "./new-verifier";
import { rolloutCommand } from "./rollout";
import { serveCommand } from "./serve";
import { serveModelCommand } from "./serve-model";
import { sourcesCommand } from "./sources";
import { sweepCommand } from "./sweep";
import { trainCommand } from "./train";

/** The program's commands, in the order in which people meet them. */
export const commands: readonly Command[] = [
  demoCommand,
  curateCommand,
  contaminationCommand,
  rolloutCommand,
  initCommand,
  trainCommand,
  evalCommand,
  sweepCommand,
  exportCommand,
  analyzeCommand,
  sourcesCommand,
  judgeCommand,
  newVerifierCommand,
  auditCommand,
  serveCommand,
  serveModelCommand,
  doctorCommand,
  nativeCommand,
  createCompletionCommand(() => commands),
];
