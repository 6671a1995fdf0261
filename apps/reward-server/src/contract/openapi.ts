import { type Type, type } from "arktype";
import {
  ErrorBody,
  JudgeAnswer,
  JudgeBody,
  JudgeEntry,
  OpenRlhfAnswer,
  ScoreAnswer,
  ScoreBody,
  ScoreVerdict,
} from "./schemas";
import { OpenRlhfBody, SlimeBody } from "./trainer-bodies";

/** An OpenAPI 3.1 document of this server, generated from the schemas. */
export function openApiDocument(options: {
  readonly version: string;
  readonly verifiers: readonly string[];
  readonly token: boolean;
  readonly batch: number;
  readonly bodyBytes: number;
  /** Paths of an environment that is served, too. */
  readonly environment?: Readonly<Record<string, object>> | undefined;
}): object {
  const { version, verifiers, token, batch, bodyBytes, environment } = options;
  const refused = (description: string) => ({ description, content: json(ErrorBody) });
  const faults = {
    400: refused("The body breaks the contract; `field` says where"),
    ...(token && { 401: refused("No bearer token, or a wrong one") }),
    404: refused(`No such verifier; known are ${verifiers.join(", ")}`),
    413: refused(`The body is over ${bodyBytes} bytes, or holds more than ${batch} samples`),
    500: refused("The judging failed"),
    503: {
      ...refused("The queue is full"),
      headers: { "Retry-After": { schema: { type: "integer" }, description: "Seconds" } },
    },
  };
  const deadline = {
    name: "x-deadline-ms",
    in: "header",
    required: false,
    description: "How long the client will wait; what is not judged by then is `error: deadline`",
    schema: { type: "integer", minimum: 1 },
  };
  const post = (summary: string, body: Type, answer: object, more: object = {}) => ({
    post: {
      summary,
      parameters: [deadline],
      requestBody: { required: true, content: json(body) },
      responses: { 200: { description: "Judged", content: answer }, ...faults, ...more },
    },
  });
  const probe = (summary: string, more: object = {}) => ({
    get: { summary, security: [], responses: { 200: { description: "Yes" }, ...more } },
  });
  const skipped = { 422: refused("The sample's gold answer is bad"), 504: refused("The client's deadline has passed") };
  return {
    openapi: "3.1.0",
    info: { title: "V-Triune reward server", version, description: `Verifiers: ${verifiers.join(", ")}` },
    ...(token && {
      security: [{ bearer: [] }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    }),
    paths: {
      "/judge": post(
        "Judge one response, in the original V-Triune server's contract",
        JudgeBody,
        json(JudgeAnswer),
        skipped,
      ),
      "/judge/batch": post("Judge a list of /judge requests", JudgeBody.array(), json(JudgeEntry.array())),
      "/v1/score": post("Judge a batch; NDJSON in the order of completion, or JSON in the order asked", ScoreBody, {
        ...json(ScoreAnswer),
        ...content("application/x-ndjson", ScoreVerdict),
      }),
      "/openrlhf": post("OpenRLHF's remote reward call", OpenRlhfBody, json(OpenRlhfAnswer)),
      "/slime": post("slime's remote reward call; answers the bare reward", SlimeBody, json(type("number")), skipped),
      "/": probe("The original's greeting; a page where HTML is asked for"),
      "/healthz": probe("The process is alive"),
      "/readyz": probe("Requests should be sent here", { 503: { description: "Not yet, or not any more" } }),
      "/metrics": { get: { summary: "Prometheus metrics", responses: { 200: { description: "Text format" } } } },
      ...environment,
    },
  };
}

function json(schema: Type): object {
  return content("application/json", schema);
}

function content(mediaType: string, schema: Type): object {
  const { $schema: _, ...jsonSchema } = schema.toJsonSchema() as Record<string, unknown>;
  return { [mediaType]: { schema: jsonSchema } };
}
