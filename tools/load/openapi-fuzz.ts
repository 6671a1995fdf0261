/**
 * Requests that break a server's contract, made from its own `/openapi.json`: for each POST route a body that its
 * schema allows, and then one thing wrong with it. What is wrong is known for each, so that a reply other than 4xx is a
 * fault of the server.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { seededChoice } from "./seeded";

/** The part of an OpenAPI document that is read. */
export interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> } }
        >
      >
    >
  >;
}

/** The part of JSON Schema that the document uses. */
export interface Schema {
  readonly type?: "object" | "array" | "string" | "number" | "null" | "boolean" | "integer";
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
}

/** A request as bytes on the wire. */
export interface FuzzCase {
  /** What is wrong with it. */
  readonly wrong: string;
  readonly bytes: Buffer;
  /** Whether the client then closes its side, as one that sent too little does. */
  readonly halfClose: boolean;
}

/** What a field is given where any text would be allowed, so that nothing but the one wrong thing is wrong. */
const GOOD_TEXT: Readonly<Record<string, string>> = {
  verifier: "mathverify",
  reward_verifier: "mathverify",
  reward_verifier_parm: "{}",
  solution: "\\boxed{4}",
  ground_truth: "\\boxed{4}",
  response: "\\boxed{4}",
  labels: "4",
  label: "4",
};

/** A value that a schema allows. */
export function exampleOf(schema: Schema, name = ""): unknown {
  const preferred = schema.anyOf?.find(({ type }) => type === "string" || type === "array") ?? schema.anyOf?.[0];
  if (preferred !== undefined) return exampleOf(preferred, name);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, value]) => [key, exampleOf(value, key)]),
      );
    case "array":
      return [exampleOf(schema.items ?? {}, name)];
    case "number":
    case "integer":
      return Math.max(1, schema.minimum ?? 0);
    case "null":
      return null;
    default:
      return GOOD_TEXT[name] ?? "text";
  }
}

type Choose = (below: number) => number;

/** Calls `change` at a place of the body that a schema describes, reached by chance. */
function somewhere(
  value: unknown,
  schema: Schema,
  choose: Choose,
  change: (value: unknown, schema: Schema) => unknown,
): unknown {
  const options = schema.anyOf ?? [schema];
  const inner = options.find(
    ({ type }) => (type === "object" && isRecord(value)) || (type === "array" && Array.isArray(value)),
  );
  const isBranch = inner?.properties !== undefined || inner?.items !== undefined;
  if (!isBranch || choose(6) === 0) return change(value, schema);
  if (Array.isArray(value))
    return value.map((item: unknown, index) =>
      index === 0 ? somewhere(item, inner.items ?? {}, choose, change) : item,
    );
  const keys = Object.keys(inner.properties ?? {});
  const key = keys[choose(keys.length)] as string;
  return {
    ...(value as object),
    [key]: somewhere((value as Record<string, unknown>)[key], inner.properties?.[key] as Schema, choose, change),
  };
}

const typeOf = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  "",
  "text",
  "\u0000",
  [],
  [[]],
  [null],
  {},
  { a: { b: [] } },
  { __proto__x: 1 },
];

/** A value of a type that the schema does not allow, or undefined where it allows all. */
function wrongValue(schema: Schema, choose: Choose): unknown {
  const allowed = new Set((schema.anyOf ?? [schema]).map(({ type }) => type));
  if (allowed.has(undefined)) return undefined;
  const isNumberRefused = (schema.anyOf ?? [schema]).some(({ minimum }) => minimum === 0);
  // A list counts as an object for labels, and a label that cannot be read is left out, not refused.
  const isAllowed = (value: unknown) =>
    allowed.has(typeOf(value) as never) || (Array.isArray(value) && allowed.has("object" as never));
  const wrong = VALUES.filter((value) => !isAllowed(value) || (value === -1 && isNumberRefused));
  return wrong[choose(wrong.length)];
}

/** Bodies: text that the schema of a route does not allow. */
const BODY_FAULTS: Readonly<
  Record<string, (example: unknown, schema: Schema, choose: Choose) => string | Buffer | undefined>
> = {
  "a value of a wrong type": (example, schema, choose) => {
    let isWrong = false;
    const body = somewhere(example, schema, choose, (value, at) => {
      const found = wrongValue(at, choose);
      isWrong = found !== undefined;
      return isWrong ? found : value;
    });
    return isWrong ? JSON.stringify(body) : undefined;
  },
  "a required field left out": (example, schema, choose) => {
    let isWrong = false;
    const body = somewhere(example, schema, choose, (value, at) => {
      const required = (at.anyOf ?? [at]).flatMap((option) => option.required ?? []);
      if (!isRecord(value) || required.length === 0) return value;
      isWrong = true;
      const { [required[choose(required.length)] as string]: _, ...rest } = value;
      return rest;
    });
    return isWrong ? JSON.stringify(body) : undefined;
  },
  "a truncated body": (example, _, choose) => {
    const text = JSON.stringify(example);
    return text.slice(0, choose(text.length));
  },
  "text after the end": (example) => `${JSON.stringify(example)}]`,
  "a changed bracket or colon": (example, _, choose) => {
    const text = JSON.stringify(example);
    // Those inside strings are text.
    const places = [...text.matchAll(/"(?:\\.|[^"\\])*"|[{}[\]:]/g)].flatMap(({ 0: { length }, index }) =>
      length === 1 ? index : [],
    );
    const at = places[choose(places.length)] as number;
    return `${text.slice(0, at)}${"?;="[choose(3)]}${text.slice(at + 1)}`;
  },
  "bytes that are not UTF-8": (example, _, choose) => {
    const bytes = Buffer.from(JSON.stringify(example));
    // 0xc0, 0xff and a lone continuation are in no UTF-8 text; the letter stands inside a string.
    bytes[bytes.indexOf("x", 0) >= 0 ? bytes.indexOf("x") : 2] = [0xc0, 0xff, 0x80][choose(3)] as number;
    return bytes;
  },
  "UTF-16": (example) => Buffer.from(JSON.stringify(example), "utf16le"),
  "another kind of text": (_, __, choose) =>
    ["", " ", "null", "4", '"text"', "true", "<xml/>", "a=b&c=d", "NaN", "{'a': 1}", "\u0000", "{", "[}"][choose(13)],
  "levels without end": (_, __, choose) => {
    const levels = 33 + choose(20_000);
    return choose(2) === 0
      ? `${"[".repeat(levels)}${"]".repeat(levels)}`
      : `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  },
  "an unknown verifier": (example) => {
    const text = JSON.stringify(example).replace('"mathverify"', '"mathverifi"');
    return text.includes("mathverifi") ? text : undefined;
  },
  "parameters that are no JSON": (example) => {
    const text = JSON.stringify(example).replace('"{}"', '"{"');
    return text.includes('"{"') ? text : undefined;
  },
};

const head = (method: string, path: string, headers: Readonly<Record<string, string | number>>) =>
  `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${Object.entries(headers)
    .map(([key, value]) => `${key}: ${value}\r\n`)
    .join("")}`;

function request(
  method: string,
  path: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string | number>> = {},
): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from(
      `${head(method, path, { "content-type": "application/json", "content-length": bytes.length, ...headers })}\r\n`,
    ),
    bytes,
  ]);
}

/** HTTP around a body that is right. */
const HTTP_FAULTS: Readonly<
  Record<
    string,
    (path: string, body: string, choose: Choose, limit: number) => Buffer | { readonly halfClosed: Buffer }
  >
> = {
  "a wrong method": (path, body, choose) =>
    request(["PUT", "DELETE", "PATCH", "GET", "PROPFIND"][choose(5)] as string, path, body),
  "an unknown method": (path, body, choose) =>
    request(["JUDGE", "post", "G E T", "{}"][choose(4)] as string, path, body),
  "a wrong path": (path, body, choose) =>
    request(
      "POST",
      [
        `${path}/`,
        path.toUpperCase(),
        `/${path}`,
        `${path}%00`,
        `${path}/../..`,
        "/%ff",
        `/${"a".repeat(5000)}`,
        path.slice(0, -1),
      ][choose(8)] as string,
      body,
    ),
  "a wrong content type": (path, body, choose) =>
    request("POST", path, body, {
      "content-type": [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        "application/jsonx",
        "json",
      ][choose(6)] as string,
    }),
  "a compressed body": (path, body, choose) =>
    request("POST", path, body, { "content-encoding": ["gzip", "br", "deflate", "x"][choose(4)] as string }),
  "an invalid deadline": (path, body, choose) =>
    request("POST", path, body, { "x-deadline-ms": ["0", "-1", "soon", "1.5", "1e99"][choose(5)] as string }),
  "an invalid length": (path, body, choose) =>
    request("POST", path, body, { "content-length": ["-1", "abc", "1e3", "0x10"][choose(4)] as string }),
  "a body shorter than its length": (path, body) => ({
    halfClosed: request("POST", path, body, { "content-length": body.length + 100 }),
  }),
  "two kinds of length": (path, body) => request("POST", path, body, { "transfer-encoding": "chunked" }),
  "chunks that are none": (path, body) =>
    Buffer.from(
      `${head("POST", path, { "content-type": "application/json", "transfer-encoding": "chunked" })}\r\nzz\r\n` +
        `${body}\r\n0\r\n\r\n`,
    ),
  "headers without end": (path, body, choose) =>
    request("POST", path, body, { "x-long": "a".repeat(20_000 + choose(40_000)) }),
  "no HTTP at all": (_, __, choose) =>
    Buffer.from(
      ["\u0000\u0001\u0002\r\n\r\n", "hello\r\n\r\n", "\u0016\u0003\u0001\u0002\u0000\r\n\r\n", "POST\r\n\r\n"][
        choose(4)
      ] as string,
    ),
  "a body over the limit": (path, _, __, limit) => request("POST", path, `"${"x".repeat(limit)}"`),
  "a body over the limit, in chunks": (path, _, __, limit) => {
    const chunk = `${(limit / 2).toString(16)}\r\n${"x".repeat(limit / 2)}\r\n`;
    return Buffer.from(
      `${head("POST", path, { "content-type": "application/json", "transfer-encoding": "chunked" })}\r\n` +
        `${chunk}${chunk}${chunk}0\r\n\r\n`,
    );
  },
  "a stated length over the limit": (path, _, __, limit) => ({
    halfClosed: request("POST", path, "{}", { "content-length": limit * 1000 }),
  }),
};

/**
 * The cases of a document, kind after kind for route after route.
 *
 * @param limit the server's largest body, in bytes; an even number
 */
export function* fuzzCases(
  document: OpenApi,
  count: number,
  limit: number,
  seed = 1,
): Generator<FuzzCase, void, undefined> {
  const choose = seededChoice(seed);
  const routes = Object.entries(document.paths).flatMap(([path, { post }]) => {
    const schema = post?.requestBody?.content["application/json"]?.schema;
    return schema === undefined ? [] : [{ path, schema, example: exampleOf(schema) }];
  });
  if (routes.length === 0) throw new RangeError("the document describes no POST route with a JSON body");
  const kinds = [...Object.keys(BODY_FAULTS), ...Object.keys(HTTP_FAULTS)];
  for (let made = 0, turn = 0; made < count; turn++) {
    const { path, schema, example } = routes[turn % routes.length] as (typeof routes)[number];
    const kind = kinds[Math.floor(turn / routes.length) % kinds.length] as string;
    const wrong = `${path}: ${kind}`;
    const bodyFault = BODY_FAULTS[kind];
    if (bodyFault !== undefined) {
      const body = bodyFault(example, schema, choose);
      if (body === undefined) continue;
      yield { wrong, bytes: request("POST", path, body), halfClose: false };
    } else {
      const found = HTTP_FAULTS[kind]?.(path, JSON.stringify(example), choose, limit) as
        | Buffer
        | { readonly halfClosed: Buffer };
      yield Buffer.isBuffer(found)
        ? { wrong, bytes: found, halfClose: false }
        : { wrong, bytes: found.halfClosed, halfClose: true };
    }
    made++;
  }
}
