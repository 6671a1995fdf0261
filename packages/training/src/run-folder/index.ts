export { checkResumedConfig, runFolderConfig } from "./resume-config";
export {
  type RunDescription,
  checkpointFolder,
  chosenCheckpoint,
  listCheckpointSteps,
  readRunDescription,
} from "./run-folder";
export { RunFolderError } from "./run-folder-error";
export { type RunLock, isRunLocked, takeRunLock } from "./run-lock";
export { writeFileAtomic, writeFolderAtomic } from "./write-file-atomic";
