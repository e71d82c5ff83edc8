import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a header `Authorization` has one of the tokens, without saying by its time how much of it is right. */
export function mayScrape(authorization: string | undefined, tokens: readonly string[]): boolean {
  const [, given] = /^Bearer ([^\s]+)$/i.exec(authorization ?? '') ?? [];
  if (given === undefined) return false;
  const hashed = (text: string) => createHash('sha256').update(text).digest();
  return tokens.map((token) => timingSafeEqual(hashed(token), hashed(given))).includes(true);
}
