import { runLoad } from "./http-load";
import { fuzzCases, type OpenApi } from "./openapi-fuzz";
import { pickJudge } from "./recorded-requests";
import { expectThat, print, withServer, type ScenarioOptions } from "./scenario";
import { sendRaw } from "./send-raw";

const LIMIT = 2 ** 20;

/** Requests made wrong from `/openapi.json`: each gets 4xx, and the server judges on as before. */
export const fuzz = ({ requests }: ScenarioOptions) =>
  withServer(
    async ({ url }) => {
      const cases = fuzzCases((await (await fetch(`${url}/openapi.json`)).json()) as OpenApi, requests, LIMIT);
      const port = Number(new URL(url).port);
      const statuses = new Map<number, number>();
      const bad: string[] = [];
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          for (const { wrong, bytes, halfClose } of cases) {
            const status = await sendRaw(port, bytes, halfClose);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            if (!(status >= 400 && status < 500))
              bad.push(`${status} for ${wrong}: ${bytes.toString("latin1").slice(0, 300)}`);
          }
        }),
      );
      console.log(
        `${requests.toLocaleString("en-US")} requests made wrong: ${[...statuses]
          .sort(([a], [b]) => a - b)
          .map(([status, times]) => `${times} × ${status}`)
          .join(", ")}`,
      );
      for (const line of bad.slice(0, 5)) console.log(`    ${line}`);
      expectThat(bad.length === 0, "each is answered with 4xx");
      print("and right ones afterwards", await runLoad(url, pickJudge, { count: 4800, concurrency: 16 }));
    },
    "--max-body-mb",
    String(LIMIT / 2 ** 20),
  );
