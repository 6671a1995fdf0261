/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  connectTinker,
  modelInput,
  type PassOutput,
  type SampleOutput,
  type Sampler,
  type TinkerClient,
  TinkerError,
  type TinkerErrorCode,
  type TrainingModel,
  type WireModelInput,
} from "@v-triune/tinker";
import { expectTypeOf } from "vitest";

expectTypeOf(connectTinker({ url: "http://127.0.0.1:8000" })).resolves.toEqualTypeOf<TinkerClient>();
// @ts-expect-error a client has an address
void connectTinker({ apiKey: "tml-key" });
expectTypeOf(modelInput([1, 2])).toEqualTypeOf<WireModelInput>();

declare const model: TrainingModel;
expectTypeOf(model.forward([])).resolves.toEqualTypeOf<PassOutput>();
expectTypeOf(model.sampler()).resolves.toEqualTypeOf<Sampler>();
// @ts-expect-error a step has a learning rate
void model.optimStep({ beta1: 0.9 });

declare const sampler: Sampler;
expectTypeOf(sampler.sample(modelInput([1]), { settings: { max_tokens: 1 } })).resolves.toEqualTypeOf<SampleOutput>();

expectTypeOf<TinkerError>().toExtend<Error>();
expectTypeOf<TinkerError["code"]>().toEqualTypeOf<TinkerErrorCode>();
