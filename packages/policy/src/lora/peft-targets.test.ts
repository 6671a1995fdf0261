import { expect, it } from "vitest";
import { peftTargets } from "./peft-targets";

const language = "model.language_model.layers";
const modules = [
  ...[0, 1].flatMap((i) => [`${language}.${i}.self_attn.q_proj`, `${language}.${i}.mlp.gate_proj`]),
  ...[0, 1].flatMap((i) => [`${language}.${i}.input_layernorm`, `model.visual.blocks.${i}.attn.proj`]),
  "model.visual.patch_embed.proj",
  "model.visual.merger.mlp.0",
  "model.visual.merger.mlp.2",
];
const of = (...ends: readonly string[]) => modules.filter((name) => ends.some((end) => name.endsWith(end)));

/** As peft reads a string: it must match the whole name. */
const matched = (pattern: unknown) => modules.filter((name) => new RegExp(`^(?:${String(pattern)})$`).test(name));

it("keeps what means the same to peft", () => {
  expect(peftTargets(["q_proj", "gate_proj"], of("q_proj", "gate_proj"), modules)).toEqual(["q_proj", "gate_proj"]);
  // Servers read lists more often than expressions.
  expect(peftTargets(".*language_model.*\\.(q_proj|v_proj)", of("q_proj"), modules)).toEqual(["q_proj"]);
  expect(peftTargets("all-linear", of("_proj", ".proj"), modules)).toBe("all-linear");
});

it("names the linear layers alone where an expression says more", () => {
  const adapted = of("q_proj", "gate_proj", "attn.proj");
  const pattern = peftTargets(".*(layers|blocks)\\.\\d+\\..*", adapted, modules);
  expect(matched(pattern)).toEqual(adapted);
  // Neither blocks nor what transformers has in them without parameters.
  for (const name of [
    `${language}.0`,
    `${language}.0.mlp`,
    `${language}.0.mlp.act_fn`,
    `${language}.0.input_layernorm`,
  ])
    expect(new RegExp(`^(?:${String(pattern)})$`).test(name)).toBe(false);
  // "proj" would also be the convolution that makes patches.
  expect(matched(peftTargets(["proj"], of("attn.proj"), modules))).toEqual(of("attn.proj"));
  expect(matched(peftTargets(".*merger.*", of("mlp.0", "mlp.2"), modules))).toEqual(of("mlp.0", "mlp.2"));
});

it("lists the layers where one of several blocks is meant", () => {
  const adapted = [`${language}.1.self_attn.q_proj`];
  expect(peftTargets(".*\\.1\\.self_attn\\..*", adapted, modules)).toEqual(adapted);
});
