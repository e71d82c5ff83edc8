import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { DeadlineExceeded, withDeadline } from '../../kernel/deadline.ts';
import { type AllowedTargets, resolveTarget } from './address.ts';

/** What came of an attempt. */
export type Attempt = {
  /** The status of the answer; null when there was none. */
  status: number | null;
  /** The first of the answer's text. */
  body: string;
  /** Why there was no answer. */
  error: string | null;
  milliseconds: number;
};

export type Send = (url: string, headers: Record<string, string>, body: string) => Promise<Attempt>;

export type SenderOptions = {
  allowed: AllowedTargets;
  elapsed: () => number;
  resolve?: typeof resolveTarget;
  /** From the first look at the name to the last byte of the answer. */
  timeoutMs?: number;
};

const mostOfAnswer = 2048;

/**
 * Sends a webhook by HTTP. It follows no redirect, connects to the address that was checked, and reads no more of an
 * answer than it keeps. It never rejects: what went wrong is what came of the attempt.
 */
export const httpSender =
  ({ allowed, elapsed, resolve = resolveTarget, timeoutMs = 10_000 }: SenderOptions): Send =>
  async (text, headers, body) => {
    const startedAt = elapsed();
    const signal = AbortSignal.timeout(timeoutMs);
    const attempt: Attempt = { status: null, body: '', error: null, milliseconds: 0 };
    try {
      // Nothing ends a look at a name, which may take longer than a webhook may.
      const { url, address, family } = await withDeadline(resolve(text, allowed), timeoutMs);
      Object.assign(attempt, await post({ url, address, family, headers, body, signal }));
    } catch (error) {
      const isLate = signal.aborted || error instanceof DeadlineExceeded;
      attempt.error = isLate ? `no answer within ${timeoutMs / 1000} seconds` : reasonOf(error);
    }
    return { ...attempt, milliseconds: elapsed() - startedAt };
  };

type Post = {
  url: URL;
  address: string;
  family: 4 | 6;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
};

function post({ url, address, family, headers, body, signal }: Post): Promise<{ status: number; body: string }> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        // The name stays what TLS verifies; the connection goes to the address that was checked.
        lookup: (_host, options, done) =>
          options.all ? done(null, [{ address, family }]) : done(null, address, family),
        signal,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        const end = () => {
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).subarray(0, mostOfAnswer).toString('utf8'),
          });
          response.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length >= mostOfAnswer) end();
        });
        response.on('end', end);
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === undefined || message.includes(code) ? message : `${code}: ${message}`).slice(0, 300);
}
