/**
 * Audits of verifiers, for Node: false passes, false fails, exploits, failures and cost of any verifier on your own
 * golds.
 */
export { auditVerifier } from "./audit-verifier";
export { AuditError } from "./audit-error";
export type {
  AuditJudge,
  AuditOptions,
  AuditOutcome,
  AuditPair,
  AuditReport,
  AuditRequest,
  Exploit,
  Growth,
  KindTally,
  Share,
  WrongVerdict,
} from "./audit-types";
export { formatAudit } from "./format-audit";
export { createHttpJudge, HTTP_SHAPES, type HttpJudgeOptions, type HttpShape } from "./judges/http-judge";
export { createPoolJudge, type OpenJudge, type PoolJudgeOptions } from "./judges/pool-judge";
export { readAuditPairs } from "./read-pairs";
