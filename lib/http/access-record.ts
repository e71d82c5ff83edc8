import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Caller } from '../contract/api/caller.ts';
import type { OperationContract } from '../contract/api/operation.ts';
import type { ProblemCode } from '../contract/api/problems.ts';
import type { AccessLine } from '../contract/deploy/access-line.ts';
import { mostResources } from '../contract/deploy/access-pattern.ts';
import type { Route } from '../contract/deploy/route.ts';
import { toTimestamp } from '../kernel/clock.ts';
import { type IdKind, idPrefixes, madeAt } from '../kernel/ids.ts';
import { truncatedAddress } from '../kernel/network.ts';

/** How a request ended. */
export type End = { status: number; body?: string | undefined; problem?: ProblemCode; error?: unknown };

type Seen = {
  accessId: string;
  requestId: string;
  milliseconds: number;
  caller?: Caller;
  touched: ReadonlySet<string>;
};

/** The record of an access: who, what, when, with what result. Ids only, and no text that the client chose but its request id. */
export function accessOf(
  route: Route,
  contract: OperationContract,
  event: APIGatewayProxyEventV2,
  { accessId, requestId, milliseconds, caller, touched }: Seen,
  { status, body, problem }: End,
): AccessLine {
  const write = route.method !== 'GET';
  const customerId = caller?.kind === 'customer' ? caller.customerId : null;
  const asked = Object.values(event.pathParameters ?? {}).filter((value) => value !== undefined && isId.test(value));
  const resources = new Set([...(customerId === null ? [] : [customerId]), ...(asked as string[]), ...touched]);
  const open = route.auth === 'public' && !write;
  if (body !== undefined && !open && contract.aboutAccesses !== true) {
    // A shop's things are named when an application changes them; who looked at its shelves nobody needs to know.
    for (const [, id] of body.matchAll(write && caller?.kind === 'app' ? anything : personal)) resources.add(id!);
  }
  return {
    accessId,
    at: toTimestamp(madeAt(accessId)),
    operation: route.operation,
    write,
    status,
    problem: problem ?? null,
    milliseconds,
    requestId,
    applicationId: applicationOf(caller),
    keyId: caller?.kind === 'app' ? caller.keyId : null,
    customerId,
    network: truncatedAddress(event.requestContext.http.sourceIp) || null,
    resources: [...resources].slice(0, mostResources),
  };
}

const prefixes = (...kinds: IdKind[]): string => kinds.map((kind) => idPrefixes[kind]).join('|');
const isId = new RegExp(`^(?:${Object.values(idPrefixes).join('|')})_[0-9a-f]{32}$`);

/** Ids as whole strings of JSON, as an answer shows them. */
const shown = (...kinds: IdKind[]): RegExp => new RegExp(`"((?:${prefixes(...kinds)})_[0-9a-f]{32})"`, 'g');
const ofPeople: IdKind[] = ['order', 'customer', 'refund', 'application', 'appKey'];
const personal = shown(...ofPeople);
const anything = shown(...ofPeople, 'product', 'movement');

const applicationOf = (caller: Caller | undefined): string | null =>
  caller === undefined || caller.kind === 'anonymous' ? null : caller.application.id;
