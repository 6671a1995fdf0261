import { createHash, timingSafeEqual } from "node:crypto";

/**
 * A check of `Authorization: Bearer ..` that takes the same time whatever is wrong: digests of equal length are
 * compared, so that neither the length nor a common beginning shows.
 */
export function bearerTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization) => {
    const given = /^bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    // Compared even without a header, so that a missing one takes as long as a wrong one.
    return timingSafeEqual(digest(given ?? ""), expected) && given !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
