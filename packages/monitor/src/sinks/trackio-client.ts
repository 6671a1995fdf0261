/**
 * trackio's HTTP interface, version 1 (trackio 0.43): `POST /api/<name>` with keyword arguments, as its own Python
 * client sends them. Writing takes the server's token, which `trackio.show()` puts into the address that it prints.
 */

export interface TrackioServer {
  /** E.g. http://127.0.0.1:7860, also with `?write_token=..` as trackio.show() prints it. */
  readonly url: string;
  /** Default the one in the address, else TRACKIO_WRITE_TOKEN. */
  readonly writeToken?: string | undefined;
  /** Time limit of a request, in ms. Default 10,000. */
  readonly timeout?: number | undefined;
}

/** One call of trackio.log. */
export interface TrackioLog {
  readonly project: string;
  readonly run: string;
  readonly step: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** A log of an id that the server has is not stored again. */
  readonly log_id: string;
}

export interface TrackioClient {
  /** @throws Error with the server's words */
  log(logs: readonly TrackioLog[]): Promise<void>;
  /**
   * Stores a picture beside a run.
   *
   * @param name of the file
   * @returns what stands for it in a metric or in a cell of a table
   */
  uploadPicture(place: Pick<TrackioLog, "project" | "run" | "step">, name: string, bytes: Uint8Array): Promise<object>;
}

/** The form of the interface that this client speaks. */
const API_VERSION = 1;

export function createTrackioClient(server: TrackioServer): TrackioClient {
  const address = new URL(server.url);
  const token =
    server.writeToken ?? address.searchParams.get("write_token") ?? process.env["TRACKIO_WRITE_TOKEN"] ?? undefined;
  address.search = "";
  address.hash = "";
  const base = address.href.replace(/\/*$/, "/");
  let isKnown = false;

  async function request(path: string, init: RequestInit): Promise<Record<string, unknown>> {
    const response = await fetch(`${base}${path}`, {
      ...init,
      headers: { ...init.headers, ...(token === undefined ? {} : { "x-trackio-write-token": token }) },
      signal: AbortSignal.timeout(server.timeout ?? 10_000),
    });
    const text = await response.text();
    let reply: Record<string, unknown> = {};
    try {
      reply = JSON.parse(text) as Record<string, unknown>;
    } catch {
      // An error page is no JSON; the status says enough.
    }
    if (response.ok && reply["error"] == null) return reply;
    const words = typeof reply["error"] === "string" ? reply["error"] : "";
    throw new Error(`trackio, ${path}: HTTP ${response.status} ${words.slice(0, 200)}`.trim());
  }

  async function call(name: string, kwargs: Readonly<Record<string, unknown>>): Promise<void> {
    if (!isKnown) {
      const version = (await request("version", {}))["api_version"];
      if (version !== API_VERSION)
        throw new Error(
          `trackio at ${base} has version ${JSON.stringify(version ?? null)} of its interface, where ${API_VERSION} is ` +
            "expected: install trackio 0.43 or one that speaks it",
        );
      isKnown = true;
    }
    await request(`api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ args: [], kwargs: { ...kwargs, hf_token: null } }),
    });
  }

  return {
    async log(logs) {
      await call("bulk_log", { logs });
    },
    async uploadPicture({ project, run, step }, name, bytes) {
      const form = new FormData();
      form.append("files", new Blob([new Uint8Array(bytes)]), name);
      const [path] = (await request("api/upload", { method: "POST", body: form }))["paths"] as [string];
      await call("bulk_upload_media", {
        uploads: [
          {
            project,
            run,
            run_id: null,
            step,
            relative_path: null,
            uploaded_file: { path, orig_name: name, meta: { _type: "gradio.FileData" } },
          },
        ],
      });
      return { _type: "trackio.image", file_path: `${project}/${run}/${step}/${name}`, caption: null };
    },
  };
}
