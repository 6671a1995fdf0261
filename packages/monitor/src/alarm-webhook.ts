/**
 * Alarms by HTTP POST, for chats and pagers: the alarm as JSON, with its sentence once more as `text` (Slack,
 * Mattermost, Teams) and `content` (Discord). What can't be delivered is tried again, then said once; the run neither
 * waits nor fails.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Alarm } from "./alarms";

export interface AlarmWebhookOptions {
  /** http or https. */
  readonly url: string;
  /** The run's name, which the message begins with. */
  readonly run: string;
  /** Told when an alarm could not be delivered: the first time, and the first after one that could. */
  readonly onProblem: (message: string) => void;
  /** Waits before the second and third try, in ms. Default 1,000 and 10,000. */
  readonly retryDelays?: readonly number[];
  /** Time limit of a request, in ms. Default 10,000. */
  readonly timeout?: number;
}

export interface AlarmWebhook {
  /** Sends in the background, in order; never throws. */
  send(alarm: Alarm): void;
  /** Resolves when everything was sent or given up. */
  close(): Promise<void>;
}

/** Alarms that may wait; a run that brings more has said enough. */
const MOST_WAITING = 100;

/**
 * @example const webhook = alarmWebhook({ url: "https://hooks.example/T1", run: "mine", onProblem: console.warn }); webhook.send(alarm);
 */
export function alarmWebhook({
  url,
  run,
  onProblem,
  retryDelays = [1_000, 10_000],
  timeout = 10_000,
}: AlarmWebhookOptions): AlarmWebhook {
  let queue = Promise.resolve();
  let waiting = 0;
  let isFailing = false;
  let isClosing = false;

  async function post(alarm: Alarm): Promise<void> {
    const text = `${run}: ${alarm.message} ${alarm.advice}`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text, content: text, run, ...alarm }),
      signal: AbortSignal.timeout(timeout),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  }

  async function deliver(alarm: Alarm): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await post(alarm);
        isFailing = false;
        return;
      } catch (error) {
        const wait = retryDelays[attempt];
        if (wait !== undefined && !isClosing) {
          await delay(wait, undefined, { ref: false });
          continue;
        }
        // The address may hold a secret, so only its host is named.
        if (!isFailing)
          onProblem(`alarms: ${new URL(url).host} took no alarm (${(error as Error).message}). Training goes on.`);
        isFailing = true;
        return;
      }
    }
  }

  return {
    send(alarm) {
      if (waiting >= MOST_WAITING) return;
      waiting += 1;
      queue = queue.then(async () => {
        await deliver(alarm);
        waiting -= 1;
      });
    },
    async close() {
      isClosing = true;
      await queue;
    },
  };
}
