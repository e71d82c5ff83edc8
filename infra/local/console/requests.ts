import { redacted } from '../../../lib/kernel/redact.ts';
import type { LogLine } from './log-tail.ts';
import { framesOf } from './story.ts';
import type { KeptTrace } from './traces.ts';

export type RequestView = {
  requestId: string;
  at: string;
  operation: string;
  status: number;
  problem: string | null;
  milliseconds: number;
  applicationId: string | null;
  customerId: string | null;
  resources: string[];
};

export type RequestList = {
  requests: RequestView[];
  /** What can be chosen. */
  operations: string[];
  applications: string[];
  /** How many fit; the newest are shown. */
  count: number;
};

/** A line of a log without what every line has. `fields` are shown as they are, but for secrets. */
export type LogView = { at: string; level: string; message: string; fields: Record<string, string>; trace: string[] };

export type RequestDetail = {
  request: RequestView;
  lines: LogView[];
  /** What the functions waited for; empty when they ran before somebody opened the console. */
  traces: KeptTrace[];
};

/** A request and what belongs to it. */
export type Explained = Omit<RequestDetail, 'traces'> & {
  /** The orders that it changed. */
  orders: string[];
  /** Requests that changed the same ones. */
  others: string[];
};

const mostShown = 200;

/** Requests of the log, newest first. */
export function listRequests(lines: readonly LogLine[], query: URLSearchParams): RequestList {
  const [text, operation, application, status] = ['text', 'operation', 'application', 'status'].map(
    (name) => query.get(name)?.trim() || undefined,
  );
  const fits = (line: LogLine): boolean =>
    (operation === undefined || line.operation === operation) &&
    (application === undefined || line.applicationId === application) &&
    (status === undefined || String(line.status).startsWith(status.replace(/x+$/, ''))) &&
    (text === undefined || idsOf(line).some((id) => id.startsWith(text)));
  const found = lines.filter(fits);
  return {
    requests: found.slice(-mostShown).toReversed().map(toRequest),
    operations: distinct(lines, 'operation'),
    applications: distinct(lines, 'applicationId'),
    count: found.length,
  };
}

const idsOf = ({ requestId, customerId, applicationId, resources, problem }: LogLine): string[] =>
  [requestId, customerId, applicationId, problem, resources].flat().map(String);

const distinct = (lines: readonly LogLine[], field: string): string[] =>
  [...new Set(lines.flatMap((line) => (typeof line[field] === 'string' ? [line[field]] : [])))].toSorted();

const toRequest = (line: LogLine): RequestView => ({
  requestId: String(line.requestId),
  at: String(line.timestamp),
  operation: String(line.operation),
  status: Number(line.status),
  problem: textOr(line.problem),
  milliseconds: Number(line.milliseconds),
  applicationId: textOr(line.applicationId),
  customerId: textOr(line.customerId),
  resources: Array.isArray(line.resources) ? line.resources.map(String) : [],
});

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/**
 * A request with the lines of the log that belong to it: its own, those that name it, such as of consumers of its events, and those of
 * the sagas of orders that it changed, since the request before that changed them. Times are not compared: the test clock moves those of requests alone.
 * @param lines of every kind, in the order of the log
 * @returns undefined when the request is not in the log any more
 */
export function explainRequest(lines: readonly LogLine[], requestId: string): Explained | undefined {
  const at = lines.findLastIndex((line) => line.accessId !== undefined && line.requestId === requestId);
  const line = lines[at];
  if (line === undefined) return undefined;
  const request = toRequest(line);
  const orders = line.write === true ? request.resources.filter((id) => id.startsWith('ord_')) : [];
  const from = lines.slice(0, at).findLastIndex((other) => other.write === true && changes(other, orders));
  const own = lines.filter(
    (each, i) =>
      each.requestId === requestId ||
      each.correlationId === requestId ||
      (i > from && orders.includes(String(each.orderId))),
  );
  const others = lines.flatMap((other) =>
    other.write === true && other.requestId !== requestId && changes(other, orders) ? [String(other.requestId)] : [],
  );
  return { request, lines: own.slice(0, mostShown).map(toLog), orders, others };
}

const changes = ({ resources }: LogLine, orders: readonly string[]): boolean =>
  Array.isArray(resources) && resources.some((id) => orders.includes(id));

const common = new Set(['level', 'message', 'timestamp', 'service', 'sampling_rate', 'error', 'accessId']);

function toLog(line: LogLine): LogView {
  const { name, message, stack } = (line.error ?? {}) as { name?: string; message?: string; stack?: string };
  const fields = Object.entries(line).filter(([field, value]) => !common.has(field) && value !== null);
  return {
    at: String(line.timestamp),
    level: String(line.level),
    message: String(line.message),
    fields: {
      ...Object.fromEntries(fields.map(([field, value]) => [field, plain(value)])),
      ...(name === undefined ? {} : { error: redacted(`${name}: ${message}`) }),
    },
    trace: framesOf((stack ?? '').split('\n')),
  };
}

const plain = (value: unknown): string => redacted(typeof value === 'string' ? value : JSON.stringify(value));
