import { useEffect, useMemo, useState } from "preact/hooks";
import type { Backend } from "../../../../packages/monitor/web/backend";
import { Dashboard } from "../../../../packages/monitor/web/dashboard";
import { messageBackend } from "../../../../packages/monitor/web/message-backend";
import type { KeeperCommand } from "./protocol";

const BACK = { href: "#", label: "← Learn" };

/** The dashboard of the run that a keeper has. */
export function DashboardView({ keeper }: { keeper: Worker }) {
  const [backend, setBackend] = useState<Backend>();
  useEffect(() => {
    const { port1, port2 } = new MessageChannel();
    keeper.postMessage({ type: "dashboard", port: port2 } satisfies KeeperCommand, [port2]);
    setBackend(messageBackend(port1));
    return () => port1.close();
  }, [keeper]);
  // The same element again: what the page learns of the run does not draw the dashboard, which asks for itself.
  return useMemo(() => backend && <Dashboard backend={backend} home={BACK} />, [backend]);
}
