import { setTimeout as sleep } from 'node:timers/promises';
import aws4 from 'aws4';
import { clock } from '../clock.ts';
import { type AwsCredentials, traceHeader } from '../config.ts';
import { awsHost } from './host.ts';
import { type Answer, poster, type Timeouts } from './post.ts';
import { pauseBefore, retryBudget } from './retries.ts';

export type CallerOptions = {
  region: string;
  /** As signatures name it. */
  service: 'dynamodb' | 'states' | 'events';
  /** What each operation's name has before it in `x-amz-target`. */
  target: string;
  jsonVersion: '1.0' | '1.1';
  /** Where the service is, if not at AWS. */
  endpoint?: string | undefined;
  /** Asked for each attempt. */
  credentials: () => Promise<AwsCredentials>;
  /** How often a call is sent at most. */
  attempts: number;
  /** Of each attempt. */
  timeouts: Timeouts;
};

/**
 * Calls an operation of a service. It may arrive twice: a call whose answer is lost is sent again.
 * @throws AwsError; TimeoutError, AbortError, or an error of Node with a code when there is no answer
 */
export type AwsCall = <Output>(operation: string, input: object, options?: CallOptions) => Promise<Output>;
export type CallOptions = { abortSignal?: AbortSignal | undefined };

/** A refusal or failure that the service answered, with the name and fields that the SDK gives it. */
export class AwsError extends Error {
  readonly $fault: 'client' | 'server';
  readonly $metadata: { httpStatusCode: number; requestId?: string; clockCorrected?: true };

  constructor({ status, headers, text }: Answer) {
    const { __type, message, Message, ...fields } = fieldsOf(text);
    super(String(message ?? Message ?? `answered ${status}`));
    const type = headers['x-amzn-errortype'] ?? __type ?? 'UnknownError';
    this.name = String(type).split(':')[0]!.split('#').at(-1)!;
    Object.assign(this, fields);
    this.$fault = status < 500 ? 'client' : 'server';
    const requestId = headers['x-amzn-requestid'];
    this.$metadata = { httpStatusCode: status, ...(typeof requestId === 'string' ? { requestId } : {}) };
  }
}

/** What answers is not always the service. */
function fieldsOf(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}

/**
 * A caller of one service of AWS that speaks JSON. The SDK does the same for all services at four times the processor time, and
 * fills half of a function's module.
 */
export function awsCaller(options: CallerOptions): AwsCall {
  const { region, service, target, jsonVersion, credentials, attempts } = options;
  const endpoint = new URL(options.endpoint ?? `https://${awsHost(service, region)}`);
  const post = poster(endpoint, options.timeouts);
  const budget = retryBudget();
  let skewMs = 0;

  return async <Output>(operation: string, input: object, { abortSignal }: CallOptions = {}) => {
    const body = JSON.stringify(input);
    for (let times = 1; ; times++) {
      try {
        const output = await send<Output>(`${target}.${operation}`, body, abortSignal);
        budget.earn(times - 1);
        return output;
      } catch (error) {
        const pause = times < attempts ? pauseBefore(error as Error, times) : undefined;
        if (pause === undefined || !budget.spend()) throw error;
        if (pause > 0) await sleep(pause, undefined, abortSignal === undefined ? {} : { signal: abortSignal });
      }
    }
  };

  async function send<Output>(targeted: string, body: string, signal: AbortSignal | undefined): Promise<Output> {
    const signer = await credentials();
    const trace = traceHeader();
    const signedSkewMs = skewMs;
    const unsigned = {
      host: endpoint.host,
      'content-type': `application/x-amz-json-${jsonVersion}`,
      'x-amz-target': targeted,
      'x-amz-date': dateOf(clock.now() + signedSkewMs),
      'user-agent': 'counterfoil',
      ...(trace === undefined ? {} : { 'x-amzn-trace-id': trace }),
    };
    const asked = { service, region, method: 'POST', path: endpoint.pathname, headers: unsigned, body };
    const { headers = {} } = aws4.sign(asked, signer);
    const answered = () => post({ headers, body, ...(signal === undefined ? {} : { signal }) });
    const answer = await (watch === undefined ? answered() : watch({ target: targeted, body }, answered));
    if (answer.status < 300) return (answer.text === '' ? {} : JSON.parse(answer.text)) as Output;
    const error = new AwsError(answer);
    if (correctClock(error, answer, signedSkewMs)) error.$metadata.clockCorrected = true;
    throw error;
  }

  /** A machine whose clock is wrong signs by the clock of AWS. @returns whether the next signature has another time */
  function correctClock({ name, message }: AwsError, { headers: { date } }: Answer, signedSkewMs: number): boolean {
    if (name !== 'InvalidSignatureException' && !/^RequestTimeTooSkewed|^RequestInTheFuture/.test(name)) return false;
    if (name === 'InvalidSignatureException' && !/^Signature (expired|not yet current)/.test(message)) return false;
    const skew = Date.parse(date ?? '') - clock.now();
    // Compared with what this call was signed by: another one may have corrected the clock meanwhile.
    if (!(Math.abs(skew - signedSkewMs) > 1000)) return false;
    skewMs = skew;
    return true;
  }
}

const dateOf = (ms: number): string => new Date(ms).toISOString().replace(/[:-]|\.\d{3}/g, '');

type Watch = (asked: { target: string; body: string }, send: () => Promise<Answer>) => Promise<Answer>;
let watch: Watch | undefined;

/** Sees each attempt of each call. For the local stack's host; a function on AWS never calls it. */
export function watchAwsCalls(watcher: Watch): void {
  const inner = watch;
  watch = inner === undefined ? watcher : (asked, send) => watcher(asked, () => inner(asked, send));
}
