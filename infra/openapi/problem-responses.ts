import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { type ProblemCode, problems, problemTypeBase } from '../../lib/contract/api/problems.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import type { Document, Schema } from '../../lib/contract/docs/document.ts';
import { commonHeadersOf, headerReferences, type ResponseHeader } from './headers.ts';
import { problemNotes } from './problem-notes.ts';
import { pascal, reference } from './schemas.ts';

/** Every problem that an operation can answer with: its own, and those of its kind. */
export function problemsOf(route: Route, contract: OperationContract): ProblemCode[] {
  const codes = new Set<ProblemCode>(contract.problems);
  const add = (...more: ProblemCode[]) => more.forEach((code) => void codes.add(code));
  if (contract.body !== undefined) add('invalid-json', 'unsupported-media-type');
  if (contract.raw !== undefined) add('invalid-json', 'unsupported-media-type');
  if (contract.signed !== undefined) add('invalid-json', 'webhook-signature-invalid');
  // Unknown parameters are refused everywhere.
  add('invalid-input');
  if (route.method !== 'GET') add('body-too-large');
  if (contract.path !== undefined) add('not-found');
  if (contract.idempotency === 'required') add('idempotency-key-missing');
  if (contract.idempotency !== undefined) add('idempotency-key-invalid', 'idempotency-key-reused', 'request-in-flight');
  if (contract.formats) add('not-acceptable');
  if (contract.ifMatch) add('version-stale');
  if (route.auth !== 'public') add('unauthenticated');
  if (route.auth !== 'public') add('forbidden');
  if (route.rateClass !== 'exempt') add('rate-limited');
  if (route.concurrent !== undefined) add('too-many-at-once');
  add('internal', 'unavailable');
  return allCodes.filter((code) => codes.has(code));
}

/** Responses by status, each with the codes that it may carry; one of a single code is shared by reference. */
export function problemResponses(route: Route, contract: OperationContract): Record<string, Schema> {
  const byStatus = Object.groupBy(problemsOf(route, contract), (code) => problems[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes = []]) => {
      const [code] = codes;
      const shared = codes.length === 1 && route.rateClass === 'standard';
      return [
        status,
        shared ? { $ref: `#/components/responses/${pascal(code!)}` } : response(Number(status), codes, route.rateClass),
      ];
    }),
  );
}

/** `components.responses`: those of a single code to which some operation refers. */
export const sharedResponses = (paths: Document['paths']): Record<string, Schema> => {
  const text = JSON.stringify(paths);
  const shared = allCodes.filter((code) => text.includes(`"#/components/responses/${pascal(code)}"`));
  return Object.fromEntries(shared.map((code) => [pascal(code), response(problems[code].status, [code], 'standard')]));
};

/** `components.examples`: what each problem of some operation looks like, when it comes and what to do. */
export const problemExamples = (answers: object): Document['components']['examples'] => {
  const text = JSON.stringify(answers);
  const used = allCodes.filter((code) => text.includes(`"#/components/examples/${code}"`));
  return Object.fromEntries(
    used.map((code) => {
      const { when, todo } = problemNotes[code];
      const description = `${when}\n\n**What to do.** ${todo}`;
      return [code, { summary: problems[code].title, description, value: exampleOf(code) }];
    }),
  );
};

/** A problem as it may come. */
export function exampleOf(code: ProblemCode) {
  const { detail, errors, path = '/orders' } = problemNotes[code];
  const { status, title } = problems[code];
  return {
    type: `${problemTypeBase}${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    instance: path,
    code,
    requestId: 'req_0198c6b2f1d07a3e9c54d2a1b7e60f38',
    ...(errors === undefined ? {} : { errors }),
  };
}

const allCodes = Object.keys(problems) as ProblemCode[];

function response(status: number, codes: readonly ProblemCode[], rateClass: Route['rateClass']): Schema {
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join('\n\n'),
    headers: headerReferences([...commonHeadersOf({ rateClass }), ...headersOf(status, codes)]),
    content: {
      'application/problem+json': {
        schema: reference('Problem'),
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

function headersOf(status: number, codes: readonly ProblemCode[]): ResponseHeader[] {
  if (status === 401) return ['WWW-Authenticate'];
  return status === 429 || status === 503 || codes.includes('request-in-flight') ? ['Retry-After'] : [];
}
