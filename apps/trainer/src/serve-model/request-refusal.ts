import { SAMPLERS_PER_MODEL } from "./model-settings";

/** A request that the server does not do, in the words that its client reads. */
export class RequestRefusal extends Error {
  override readonly name = "RequestRefusal";

  constructor(
    readonly status: 400 | 401 | 404 | 405 | 409 | 413 | 415 | 422 | 503,
    message: string,
  ) {
    super(message);
  }
}

export function unknownModel(id: string): RequestRefusal {
  return new RequestRefusal(
    404,
    `model ${id} is not on this server: it was unloaded, or lost when the server started again`,
  );
}

export function unknownSampler(id: string): RequestRefusal {
  return new RequestRefusal(
    404,
    `sampling session ${id} is not known: the newest ${SAMPLERS_PER_MODEL} of a model are kept`,
  );
}
