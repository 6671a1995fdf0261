import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PromptError } from "../input-error";
import { createChatTemplate, type ChatMessage } from "./chat-template";
import { splitImageMarks } from "./image-marks";
import { loadChatTemplate } from "../folder/read-model";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-template-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hello: readonly ChatMessage[] = [{ role: "user", content: "Hello" }];

describe("rendering", () => {
  it("cuts white space around blocks as transformers does", () => {
    const template = createChatTemplate(
      "{% for m in messages %}\n  {% if m.role == 'user' %}\nU: {{ m.content }}\n  {% endif %}\n{% endfor %}\nend",
    );
    expect(template.render(hello)).toBe("U: Hello\nend");
  });

  it("opens the assistant's turn by default", () => {
    const template = createChatTemplate("{{ messages[0].content }}{% if add_generation_prompt %}|assistant{% endif %}");
    expect(template.render(hello)).toBe("Hello|assistant");
    expect(template.render(hello, { addGenerationPrompt: false })).toBe("Hello");
  });

  it("knows special tokens, further variables, and that there are no tools", () => {
    const template = createChatTemplate(
      "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{% if tools %}tools{% endif %}{{ thinking }}",
      { bosToken: "<s>", eosToken: "</s>" },
    );
    expect(template.render(hello, { variables: { thinking: "!" } })).toBe("<s>Hello</s>!");
  });

  it("says why when the template refuses or cannot be parsed", () => {
    const strict = createChatTemplate(
      "{% if messages[0].role != 'system' %}{{ raise_exception('A system message must come first.') }}{% endif %}",
      {},
      "model/chat_template.jinja",
    );
    expect(() => strict.render(hello)).toThrow(PromptError);
    expect(() => strict.render(hello)).toThrow(/model\/chat_template\.jinja\n.*A system message must come first\./);
    expect(() => createChatTemplate("{% for m in messages %}")).toThrow(/cannot be parsed/);
  });
});

/**
 * The constructs of Qwen3-VL's template: no system text of its own, parts of any message, numbered pictures. The texts
 * are what Jinja 3.1 renders with the options of transformers.
 */
describe("a template as Qwen3-VL has it", () => {
  const template = createChatTemplate(`{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].content is string %}{{- messages[0].content }}{%- else %}
        {%- for part in messages[0].content %}{%- if 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- set pictures = namespace(value=0) %}
{%- for message in messages %}
    {%- if message.role != 'system' %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content is string %}{{- message.content }}{%- else %}
            {%- for part in message.content %}
                {%- if part.type == 'image' or 'image' in part or 'image_url' in part %}
                    {%- set pictures.value = pictures.value + 1 %}
                    {%- if add_vision_id %}Picture {{ pictures.value }}: {% endif -%}
                    <|vision_start|><|image_pad|><|vision_end|>
                {%- elif 'text' in part %}{{- part.text }}{%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}`);
  const picture = "<|vision_start|><|image_pad|><|vision_end|>";
  const two = {
    role: "user",
    content: [{ type: "image" }, { type: "image" }, { type: "text", text: "Which is larger?" }],
  } as const;

  it("adds no system text", () => {
    expect(template.render(hello)).toBe("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    expect(template.render([two])).toBe(
      `<|im_start|>user\n${picture}${picture}Which is larger?<|im_end|>\n<|im_start|>assistant\n`,
    );
  });

  it("renders a system message of text or parts, and numbers pictures over the turns", () => {
    const content = [{ type: "text", text: "Be brief." }] as const;
    for (const system of ["Be brief.", content])
      expect(
        template.render([{ role: "system", content: system }, two, { role: "assistant", content: "The first." }, two], {
          variables: { add_vision_id: true },
          addGenerationPrompt: false,
        }),
      ).toBe(
        "<|im_start|>system\nBe brief.<|im_end|>\n" +
          `<|im_start|>user\nPicture 1: ${picture}Picture 2: ${picture}Which is larger?<|im_end|>\n` +
          "<|im_start|>assistant\nThe first.<|im_end|>\n" +
          `<|im_start|>user\nPicture 3: ${picture}Picture 4: ${picture}Which is larger?<|im_end|>\n`,
      );
  });
});

describe("loading", () => {
  const write = (files: Record<string, string>): string => {
    const path = mkdtempSync(join(folder, "model-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  };
  const config = (template: unknown) => JSON.stringify({ chat_template: template });

  it("takes chat_template.jinja first, then chat_template.json, then tokenizer_config.json", () => {
    const files = {
      "chat_template.jinja": "jinja",
      "chat_template.json": config("json"),
      "tokenizer_config.json": config("config"),
    };
    expect(loadChatTemplate(write(files)).render(hello)).toBe("jinja");
    const { "chat_template.jinja": _, ...older } = files;
    expect(loadChatTemplate(write(older)).render(hello)).toBe("json");
    expect(loadChatTemplate(write({ "tokenizer_config.json": files["tokenizer_config.json"] })).render(hello)).toBe(
      "config",
    );
  });

  it("takes the default of several named templates", () => {
    const named = config([
      { name: "tool_use", template: "tools" },
      { name: "default", template: "plain" },
    ]);
    expect(loadChatTemplate(write({ "tokenizer_config.json": named })).render(hello)).toBe("plain");
  });

  it("says what is missing, and which file is broken", () => {
    expect(() => loadChatTemplate(write({ "tokenizer_config.json": "{}" }))).toThrow(
      /no chat template[^]*copy chat_template\.jinja/,
    );
    expect(() => loadChatTemplate(write({ "chat_template.json": "{" }))).toThrow(/chat_template\.json/);
  });
});

describe("<image> marks of a sample", () => {
  it("become image parts, the text between them text parts", () => {
    const prompt = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "<image>Compare <image><image> them." },
    ];
    expect(splitImageMarks(prompt, 3)).toEqual([
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "image" },
          { type: "text", text: "Compare " },
          { type: "image" },
          { type: "image" },
          { type: "text", text: " them." },
        ],
      },
    ]);
  });

  it("must be as many as the pictures", () => {
    const prompt = [{ role: "user", content: "<image>What <image>?" }];
    expect(() => splitImageMarks(prompt, 1, "train.parquet, row 4")).toThrow(
      "The number of <image> marks in the prompt and of pictures differ.\n  where:    train.parquet, row 4\n  expected: 2 pictures, one for each <image>\n  found:    1 picture\n" +
        "  fix:      add the missing pictures, or remove marks from the prompt",
    );
    expect(() => splitImageMarks([{ role: "user", content: "What?" }], 1)).toThrow(PromptError);
  });
});
