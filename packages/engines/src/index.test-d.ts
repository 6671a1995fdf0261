/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  can,
  EngineError,
  type EngineReport,
  openRemoteEngine,
  probeEngine,
  RemoteEngine,
  type ServerKind,
} from "@v-triune/engines";
import { RolloutStandIn } from "@v-triune/engines/testing";
import type { RolloutEngine } from "@v-triune/rollouts";
import { expectTypeOf } from "vitest";

expectTypeOf<RemoteEngine>().toExtend<RolloutEngine>();
expectTypeOf(openRemoteEngine).returns.resolves.toEqualTypeOf<RemoteEngine>();
expectTypeOf(probeEngine({ url: "http://127.0.0.1:8000" })).resolves.toEqualTypeOf<EngineReport>();
expectTypeOf<ServerKind>().toEqualTypeOf<"vllm" | "sglang" | "transformers" | "llama.cpp" | "openai">();
// @ts-expect-error there is no such server
void probeEngine({ url: "http://127.0.0.1:8000", kind: "ollama" });

declare const report: EngineReport;
expectTypeOf(can(report, "log_probs")).toBeBoolean();
// @ts-expect-error there is no such ability
can(report, "flight");
expectTypeOf<EngineError>().toExtend<Error>();
expectTypeOf(RolloutStandIn.start).returns.resolves.toEqualTypeOf<RolloutStandIn>();
