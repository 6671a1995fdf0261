/** How the page asks its server. */

export type QuestionParameter = string | number | boolean | undefined | readonly string[];

export type QuestionParameters = Readonly<Record<string, QuestionParameter>>;

/** `/api/series?run=demo&name=a&name=b`; what is empty is left out. */
export function questionAddress(path: string, parameters: QuestionParameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) query.append(name, one);
    else if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return `/api/${path}?${query}`;
}

/** What the server said. */
export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: unknown;
}

export async function answerAt(address: string): Promise<Answer> {
  const response = await fetch(address);
  return { ok: response.ok, status: response.status, body: await response.json() };
}
