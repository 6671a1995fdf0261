/** The dashboard over run folders, and what its commands do: `v-triune-monitor` is made of these. */
export { startDashboard, DEFAULT_PORT, type Dashboard, type DashboardOptions } from "./start-dashboard";
export { DashboardError, type DashboardProblem } from "./dashboard-error";
