import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { PoolStats } from "@v-triune/rewards/isolated";
import { hasOtherBoxes } from "./box-warnings";
import type { OnVerdict } from "./guarded-source";

/** The server's metrics in Prometheus' text format. All names begin with `v_triune_reward_`. */
export interface ServerMetrics {
  readonly contentType: string;
  /** Shows the state of a source from now on. */
  watch(source: WatchedSource): void;
  /** Shows the number of open sessions of an environment from now on. */
  watchSessions(count: () => number): void;
  /** Counts a finished HTTP request. */
  request(route: string, status: number): void;
  /** Records a verdict and the seconds from its acceptance to its answer. */
  readonly verdict: OnVerdict;
  /** Counts a sample of a request that was not scored. */
  leftOut(route: string, status: string): void;
  /** Counts a content part that is no text, such as a picture. The kinds are a fixed list. */
  readonly ignoredPart: (kind: string) => void;
  text(): Promise<string>;
}

/** What is read of a source whenever the metrics are asked for. */
export interface WatchedSource {
  readonly stats: PoolStats;
  /** Samples accepted and not yet answered. */
  readonly accepted: number;
}

/** Makes the metrics. Labels are routes and verifier names of this server only, so that no client can add any. */
export function createServerMetrics(): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "v_triune_reward_" });
  const requests = new Counter({
    name: "v_triune_reward_requests_total",
    help: "HTTP requests by route and status",
    labelNames: ["route", "status"],
    registers,
  });
  const latency = new Histogram({
    name: "v_triune_reward_verdict_seconds",
    help: "Seconds from a sample's acceptance to its verdict, by verifier and status (scored, skipped, error)",
    labelNames: ["verifier", "status"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const undecided = new Counter({
    name: "v_triune_reward_undecided_total",
    help: "Samples scored 0 because their verifier could not decide within its limits",
    labelNames: ["verifier"],
    registers,
  });
  const otherBoxes = new Counter({
    name: "v_triune_reward_other_boxes_total",
    help: "Samples whose boxes look as if they were written in another convention than they are read in",
    labelNames: ["verifier"],
    registers,
  });
  const leftOut = new Counter({
    name: "v_triune_reward_left_out_total",
    help:
      "Samples that were not scored, by route and status (skipped, error); those that could not be read are among " +
      "them",
    labelNames: ["route", "status"],
    registers,
  });
  const ignoredParts = new Counter({
    name: "v_triune_reward_ignored_parts_total",
    help: "Content parts that are no text, such as pictures, by kind",
    labelNames: ["kind"],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number) => {
    registry.registerMetric(
      new Gauge({
        name: `v_triune_reward_${name}`,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  };
  const total = (name: string, help: string, read: () => number) => {
    registry.registerMetric(
      new Counter({
        name: `v_triune_reward_${name}_total`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(read());
        },
      }),
    );
  };
  return {
    contentType: registry.contentType,
    watch(source) {
      gauge("accepted", "Samples accepted and not yet answered", () => source.accepted);
      gauge("queue", "Samples waiting for a worker", () => source.stats.queued);
      gauge("running", "Samples handed to workers", () => source.stats.running);
      gauge("workers", "Workers, spares among them", () => source.stats.workers);
      gauge("workers_ready", "Workers that can take samples", () => source.stats.ready);
      gauge("workers_spare", "Workers beyond those asked for, while others are stuck", () => source.stats.spares);
      total("timeouts", "Samples that overran their deadline", () => source.stats.timeouts);
      total("crashes", "Workers that died", () => source.stats.crashes);
      total("worker_restarts", "Workers that were replaced", () => source.stats.restarts);
    },
    watchSessions: (count) => gauge("sessions", "Open sessions of the environment", count),
    request: (route, status) => requests.inc({ route, status }),
    verdict: (verifier, outcome, seconds) => {
      const { status, reason } = outcome;
      latency.observe({ verifier, status }, seconds);
      if (hasOtherBoxes(outcome)) otherBoxes.inc({ verifier });
      if (status === "scored" && reason === "undecided") undecided.inc({ verifier });
    },
    leftOut: (route, status) => leftOut.inc({ route, status }),
    ignoredPart: (kind) => ignoredParts.inc({ kind }),
    text: () => registry.metrics(),
  };
}
