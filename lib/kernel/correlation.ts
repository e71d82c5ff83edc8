import { AsyncLocalStorage } from 'node:async_hooks';

const running = new AsyncLocalStorage<string>();

/** What is safe in a log, a comment of SQL and a header: the form that the API takes request ids in. */
const safe = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * Does work for the API request, or the run of a job, with this id: what it logs, the executions that it starts, the mails that it
 * writes and its sampled statements name it. An id that is absent or of another form changes nothing.
 */
export const correlated = <T>(id: unknown, work: () => T): T =>
  typeof id === 'string' && safe.test(id) ? running.run(id, work) : work();

/** The API request, or the run of a job, that this work is for. */
export const correlationId = (): string | undefined => running.getStore();
