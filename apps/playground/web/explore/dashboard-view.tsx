import type { Backend } from "../../../../packages/monitor/web/backend";
import { Dashboard } from "../../../../packages/monitor/web/dashboard";

const BACK = { href: "#", label: "← Explore" };

/** The dashboard in place of the page. */
export function DashboardView({ backend }: { backend: Backend }) {
  return <Dashboard backend={backend} home={BACK} />;
}
