/** For tests: a chat endpoint in OpenAI's protocol that answers, or fails, as it is told. */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the endpoint received it. */
export interface ReceivedRequest {
  readonly model: string;
  readonly system: string;
  readonly user: string;
  readonly temperature: number;
  readonly seed: number;
  readonly authorization: string | undefined;
}

/** What it does: a text is the model's reply, a number an HTTP status. */
export type FakeReply =
  | string
  | number
  | { readonly body: string }
  | { readonly status: number; readonly retryAfter: string }
  | "hang up"
  | "say nothing";

export interface FakeEndpoint {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** The most requests that were under way at a time. */
  readonly mostAtATime: number;
  close(): Promise<void>;
}

/** @param reply of the n-th request, from 0 */
export async function startFakeEndpoint(
  reply: (request: ReceivedRequest, n: number) => FakeReply | Promise<FakeReply>,
): Promise<FakeEndpoint> {
  const requests: ReceivedRequest[] = [];
  const state = { running: 0, most: 0 };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as {
      model: string;
      messages: { content: string }[];
      temperature: number;
      seed: number;
    };
    const received: ReceivedRequest = {
      model: body.model,
      system: body.messages[0]!.content,
      user: body.messages[1]!.content,
      temperature: body.temperature,
      seed: body.seed,
      authorization: request.headers.authorization,
    };
    requests.push(received);
    state.most = Math.max(state.most, ++state.running);
    const found = await reply(received, requests.length - 1);
    state.running -= 1;
    if (found === "say nothing") return;
    if (found === "hang up") return void response.destroy();
    if (typeof found === "number") return void response.writeHead(found).end("no");
    if (typeof found === "object" && "status" in found)
      return void response.writeHead(found.status, { "retry-after": found.retryAfter }).end("later");
    if (typeof found === "object") return void response.end(found.body);
    const usage = { prompt_tokens: 100, completion_tokens: 20 };
    response.end(JSON.stringify({ choices: [{ message: { role: "assistant", content: found } }], usage }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    get mostAtATime() {
      return state.most;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
