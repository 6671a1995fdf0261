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
