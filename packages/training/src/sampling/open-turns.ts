/** The tools of a run and the rules of its conversations, as the configuration has them. */
import { pathToFileURL } from "node:url";
import { ConfigError } from "@v-triune/errors";
import { familyOf } from "@v-triune/policy";
import { type CollectOptions, type ToolOffer, toolOffer } from "@v-triune/rollouts";
import { CALL_LIMITS, Conversations, type Tool, type TurnRules, builtInTool, callForm } from "@v-triune/rollouts/tools";
import { TURNS_DEFAULTS } from "../config/default-config";
import type { TrainingConfig } from "../config/training-config";
import type { ModelParts } from "../model/load-model";
import { type IsolatedTools, openIsolatedTools } from "./isolated-tools";

/** What an answer of several turns needs. */
export interface OpenTurns extends NonNullable<CollectOptions["turns"]> {
  /** What prompts say of the tools. */
  readonly offer: ToolOffer | undefined;
  /** Ends the threads of its tools. */
  close(): Promise<void>;
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
  const deadlineMs = 1000 * turns.deadline;
  const opened: IsolatedTools[] = [];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((apart) => apart.close())));
  try {
    const tools = [...(await configuredTools()), ...further];
    refuseTwins(tools);
    const rules: TurnRules = {
      maxTurns: turns.max,
      tools,
      form,
      maxShownTokens: turns.maxShownTokens,
      maxShownPixels: turns.maxShownPixels,
      limits: { ...CALL_LIMITS, deadlineMs },
      // A run.json of an earlier version does not have the key.
      maxCalls: turns.maxCalls ?? null,
    };
    return {
      follow: (prompts) => new Conversations(prompts, rules, processor),
      offer: toolOffer(turns.offer, form, tools, rollout.engine === "local"),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }

  async function configuredTools(): Promise<Tool[]> {
    const found: Tool[] = [];
    for (const tool of turns!.tools) {
      if ("module" in tool) {
        const { memoryMb = TURNS_DEFAULTS.memoryMb } = turns!;
        const apart = await openIsolatedTools(pathToFileURL(tool.module).href, { deadlineMs, memoryMb });
        opened.push(apart);
        found.push(...apart.tools);
      } else if (tool.name === "crop") {
        const { name: _, ...options } = tool;
        const named = form.toolNames.crop ? { name: form.toolNames.crop } : {};
        found.push(builtInTool("crop", boxes, { ...named, ...options }));
      } else found.push(builtInTool(tool.name, boxes));
    }
    return found;
  }
}

function refuseTwins(tools: readonly Tool[]): void {
  const twice = tools.find(({ name }, i) => tools.findIndex((other) => other.name === name) < i);
  if (twice)
    throw new ConfigError({
      what: "Two tools have the same name.",
      where: "rollout.turns.tools",
      expected: "names that differ",
      found: `${twice.name}, twice`,
      fix: "leave one of them out, or give it another name",
    });
}
