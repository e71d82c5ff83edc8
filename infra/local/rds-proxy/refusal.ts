/** A connection turned away: `code` (SQLSTATE) and `message` go to the client, `reason` to the log alone. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly reason: string;
  constructor(code: string, message: string, reason: string = message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

/** What RDS Proxy says of any token it does not take; why is for the log, so that guessing teaches nothing. */
export const iamRefusal = (user: string, reason: string): Refusal =>
  new Refusal(
    '28P01',
    `The IAM authentication failed for the role ${user}. Check the IAM token for this role and try again.`,
    reason,
  );

/** What RDS Proxy says of a feature it lacks. */
export const unsupported = (what: string): Refusal => new Refusal('0A000', `Feature not supported: RDS Proxy ${what}`);

/** The client does not speak PostgreSQL's protocol. */
export const violation = (reason: string): Refusal => new Refusal('08P01', 'protocol violation', reason);
