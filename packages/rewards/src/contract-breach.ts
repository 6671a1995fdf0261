/** What is wrong with a body that breaks a contract. */
export interface ContractBreach {
  /** The field, as a path from the body. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
}

/** A breach in one line: `requests[3].verifier: a string expected, found 5`. */
export function describeBreach({ where, expected, found }: ContractBreach): string {
  return `${where}: ${expected} expected, found ${found}`;
}
