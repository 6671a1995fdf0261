/** The tools of a run and the rules of its conversations, as the configuration has them. */
import { pathToFileURL } from "node:url";
import { ConfigError, describeValue } from "@v-triune/errors";
import { familyOf } from "@v-triune/policy";
import { type CollectOptions, type ToolOffer, toolOffer } from "@v-triune/rollouts";
import { CALL_LIMITS, Conversations, type Tool, type TurnRules, builtInTool, callForm } from "@v-triune/rollouts/tools";
import type { TrainingConfig, TurnsConfig } from "../config/training-config";
import type { ModelParts } from "../model/load-model";

/** What an answer of several turns needs. */
export interface OpenTurns extends NonNullable<CollectOptions["turns"]> {
  /** What prompts say of the tools. */
  readonly offer: ToolOffer | undefined;
}

/**
 * @param further tools that were passed to the run
 * @returns undefined if answers are one turn
 * @throws ConfigError for a module that cannot be imported or exports no tool, and for two tools of one name
 */
export async function openTurns(
  { rollout, reward }: Pick<TrainingConfig, "rollout" | "reward">,
  { policy, processor }: ModelParts,
  further: readonly Tool[] = [],
): Promise<OpenTurns | undefined> {
  // A run.json of an earlier version does not have the key.
  const turns = rollout.turns ?? null;
  if (turns === null) return undefined;
  const form = callForm(turns.form);
  const boxes = form.boxes ?? reward.boxes ?? familyOf(policy.config).boxConvention;
  const tools = [...(await configuredTools(turns, boxes)), ...further];
  const twice = tools.find(({ name }, i) => tools.findIndex((other) => other.name === name) < i);
  if (twice)
    throw new ConfigError({
      what: "Two tools have the same name.",
      where: "rollout.turns.tools",
      expected: "names that differ",
      found: `${twice.name}, twice`,
      fix: "leave one of them out, or give it another name",
    });
  const rules: TurnRules = {
    maxTurns: turns.max,
    tools,
    form,
    maxShownTokens: turns.maxShownTokens,
    maxShownPixels: turns.maxShownPixels,
    limits: { ...CALL_LIMITS, deadlineMs: 1000 * turns.deadline },
  };
  return {
    follow: (prompts) => new Conversations(prompts, rules, processor),
    offer: toolOffer(turns.offer, form, tools, rollout.engine === "local"),
  };
}

type Boxes = Parameters<typeof builtInTool>[1];

async function configuredTools({ tools, form }: TurnsConfig, boxes: Boxes): Promise<Tool[]> {
  const { toolNames } = callForm(form);
  const found = await Promise.all(
    tools.map(async (tool) => {
      if ("module" in tool) return importTools(tool.module);
      if (tool.name !== "crop") return [builtInTool(tool.name, boxes)];
      const { name: _, ...options } = tool;
      return [builtInTool("crop", boxes, { ...(toolNames.crop ? { name: toolNames.crop } : {}), ...options })];
    }),
  );
  return found.flat();
}

async function importTools(path: string): Promise<Tool[]> {
  const refuse = (what: string, found: string, cause?: unknown): ConfigError =>
    new ConfigError({
      what,
      where: path,
      expected:
        "a module whose default export is a tool { name, description, schema, parameters, call }, or a list of them",
      found,
      fix: "see docs/write-your-own/tool.md",
      ...(cause === undefined ? {} : { cause }),
    });
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw refuse(
      "The module of a tool cannot be imported.",
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  }
  return [exported].flat().map((tool: unknown) => {
    if (isTool(tool)) return tool;
    throw refuse("The module exports no tool.", describeValue(tool));
  });
}

function isTool(value: unknown): value is Tool {
  if (typeof value !== "object" || value === null) return false;
  const { name, description, schema, parameters, call } = value as Partial<Record<keyof Tool, unknown>>;
  return (
    typeof name === "string" &&
    typeof description === "string" &&
    (typeof schema === "object" || typeof schema === "function") &&
    typeof parameters === "object" &&
    typeof call === "function"
  );
}
