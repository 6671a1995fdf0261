/**
 * Messages → the text a model was trained on, by the Jinja template that comes with its tokenizer.
 *
 * Rendered with @huggingface/jinja, which cuts white space as transformers does (trim_blocks, lstrip_blocks). The
 * template is looked for where transformers 5.23 looks: `chat_template.jinja`, then `chat_template.json`, then the
 * `chat_template` of tokenizer_config.json (a string, or a list of named ones, of which "default" counts).
 */
import { Template } from "@huggingface/jinja";
import { type ModelFiles, readText } from "../files/model-files";
import { PromptError } from "../input-error";

/** A piece of a message: text, or a place where a picture or video goes. Templates may read further keys. */
export interface ContentPart {
  readonly type: "text" | "image" | "image_url" | "video";
  readonly text?: string;
  readonly [key: string]: unknown;
}

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string | readonly ContentPart[];
  readonly [key: string]: unknown;
}

export interface RenderOptions {
  /** Ends the text with the opening of the assistant's turn. Default true, which a prompt needs. */
  readonly addGenerationPrompt?: boolean;
  /** Labels the pictures "Picture 1: ", where the template knows that. */
  readonly addVisionId?: boolean;
  /** Further variables for the template. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A compiled chat template. */
export interface ChatTemplate {
  /** @throws PromptError when the template refuses the messages */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string;
}

/** Special tokens that a template may name. */
export interface TemplateTokens {
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
  readonly padToken?: string | undefined;
  readonly unkToken?: string | undefined;
}

/**
 * ```ts
 * createChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}").render([{ role: "user", content: "Hi" }]);
 * ```
 *
 * @param where names the template in errors
 * @throws PromptError when the source is no valid template
 */
export function createChatTemplate(
  source: string,
  tokens: TemplateTokens = {},
  where = "the chat template",
): ChatTemplate {
  let template: Template;
  try {
    template = new Template(source);
  } catch (cause) {
    throw new PromptError({
      what: "The chat template cannot be parsed.",
      where,
      found: message(cause),
      fix: "fetch it again",
      cause,
    });
  }
  return {
    render: (messages, options = {}) => {
      try {
        return template.render({
          messages,
          tools: null,
          documents: null,
          add_generation_prompt: options.addGenerationPrompt ?? true,
          ...(options.addVisionId === undefined ? {} : { add_vision_id: options.addVisionId }),
          ...(tokens.bosToken === undefined ? {} : { bos_token: tokens.bosToken }),
          ...(tokens.eosToken === undefined ? {} : { eos_token: tokens.eosToken }),
          ...(tokens.padToken === undefined ? {} : { pad_token: tokens.padToken }),
          ...(tokens.unkToken === undefined ? {} : { unk_token: tokens.unkToken }),
          ...options.variables,
        });
      } catch (cause) {
        throw new PromptError({
          what: "The chat template refuses these messages.",
          where,
          found: message(cause),
          fix: "check the roles and their order",
          cause,
        });
      }
    },
  };
}

/**
 * Reads a model's chat template.
 *
 * @throws PromptError when it has none
 */
export function chatTemplateFrom(files: ModelFiles, tokens: TemplateTokens = {}): ChatTemplate {
  const own = "chat_template.jinja";
  if (files.has(own)) return createChatTemplate(readText(files, own), tokens, files.pathOf(own));
  for (const name of ["chat_template.json", "tokenizer_config.json"]) {
    if (!files.has(name)) continue;
    const source = templateOf(files, name);
    if (source !== undefined) return createChatTemplate(source, tokens, files.pathOf(name));
  }
  throw new PromptError({
    what: "The model folder has no chat template.",
    where: files.where,
    expected: "chat_template.jinja, chat_template.json, or chat_template in tokenizer_config.json",
    fix: `copy chat_template.jinja from the model the weights were trained from: ${files.howToGet(["chat_template.json", "chat_template.jinja"])}`,
  });
}

function templateOf(files: ModelFiles, name: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(readText(files, name));
  } catch (cause) {
    throw new PromptError({
      what: "A file of the model folder is not JSON.",
      where: files.pathOf(name),
      found: message(cause),
      fix: "fetch the file again",
      cause,
    });
  }
  const value: unknown = (json as Record<string, unknown> | null)?.["chat_template"];
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const chosen = named.find(({ name }) => name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : undefined;
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
