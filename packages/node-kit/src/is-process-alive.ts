/**
 * Whether a process of this machine runs, also one of another user. A number that the system has given to another
 * process since counts as alive.
 */
export function isProcessAlive(pid: number): boolean {
  // 0 and negative numbers mean groups of processes to the system.
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process runs and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
