import { VTriuneError } from "@v-triune/errors";

/** A run, a port or a query that a person asked the dashboard or its commands for and that cannot be had as it is. */
export class DashboardError extends VTriuneError {
  override readonly name = "DashboardError";
}
