const secrets: readonly RegExp[] = [
  /\b\w+_secret_\w+/g,
  /\b(?:sk|rk|pk)_(?:live|test)_\w+/g,
  /\bwhsec_\w+/g,
  /\bcf[a-z]_[\w-]{16,}/g,
  /\bBearer\s+[\w.~+/=-]+/gi,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bX-Amz-[A-Za-z-]+=[^&\s"']+/gi,
  /\b(?:password|secret|token)["']?\s*[:=]\s*["']?[^\s"',}]+/gi,
  /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g,
  /\b\d(?:[ -]?\d){12,18}\b/g,
];

/** Longest text that `redacted` returns, in characters. */
export const longestRedacted = 500;

/**
 * A message of another system, made safe to store and to show to operators: short, without control characters, and
 * without anything that looks like a secret, a token, an e-mail address or a card number.
 */
export function redacted(text: string): string {
  const clean = secrets.reduce((rest, secret) => rest.replace(secret, '[redacted]'), text.slice(0, 4000));
  const printable = clean.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
  return printable.length <= longestRedacted ? printable : `${printable.slice(0, longestRedacted - 1)}…`;
}
