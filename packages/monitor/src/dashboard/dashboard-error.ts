/** What a person did wrong when they asked for a run, a port or a query: what, where, expected, found, what to do. */
export interface DashboardProblem {
  readonly what: string;
  readonly where?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly fix?: string;
  readonly cause?: unknown;
}

/** Thrown by the dashboard and its commands for what a person can fix. */
export class DashboardError extends Error {
  override readonly name = "DashboardError";
  constructor(readonly problem: DashboardProblem) {
    const { what, where, expected, found, fix } = problem;
    const lines = [
      what,
      where && `  where:    ${where}`,
      expected && `  expected: ${expected}`,
      found && `  found:    ${found}`,
      fix && `  fix:      ${fix}`,
    ];
    super(lines.filter(Boolean).join("\n"), { cause: problem.cause });
  }
}
