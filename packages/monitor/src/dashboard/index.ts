/** The dashboard over run folders, and what its commands do: `v-triune-monitor` is made of these. */
export {
  startDashboard,
  DEFAULT_PORT,
  FURTHER_PORTS,
  type Dashboard,
  type DashboardOptions,
} from "./server/start-dashboard";
export { startBackgroundDashboard, type BackgroundDashboardOptions } from "./thread/background-dashboard";
export { openInBrowser } from "./server/open-in-browser";
export { DashboardError } from "./dashboard-error";
export type { RolloutGroup, RunDetail, RunSummary } from "./dashboard-api";
