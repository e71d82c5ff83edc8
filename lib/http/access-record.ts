import type { OperationContract } from '../contract/api/operation.ts';
import type { ProblemCode } from '../contract/api/problems.ts';
import type { AccessLine } from '../contract/deploy/access-line.ts';
import { mostResources } from '../contract/deploy/access-pattern.ts';
import type { Route } from '../contract/deploy/route.ts';
import { toTimestamp } from '../kernel/clock.ts';
import { type IdKind, idPrefixes, idTimestamp } from '../kernel/ids.ts';
import { truncatedAddress } from '../kernel/network.ts';
import type { RequestContext } from './request.ts';

/** How a request ended. */
export type Outcome = { status: number; body?: string | undefined; problem?: ProblemCode; error?: unknown };

type Accessed = Pick<RequestContext, 'event' | 'accessId' | 'requestId' | 'caller' | 'concerned' | 'touched'> & {
  milliseconds: number;
};

/**
 * The record of an access: who did what to which resources, when, and with what outcome. It contains ids only, and no
 * text that the client chose except its request id.
 */
export function accessOf(
  route: Route,
  contract: OperationContract,
  { event, accessId, requestId, caller, concerned, touched, milliseconds }: Accessed,
  { status, body, problem }: Outcome,
): AccessLine {
  const write = route.method !== 'GET';
  const customerId = caller?.kind === 'customer' ? caller.customerId : (concerned ?? null);
  const inPath = Object.values(event.pathParameters ?? {}).filter((value) => value !== undefined && isId.test(value));
  const resources = new Set([...(customerId === null ? [] : [customerId]), ...(inPath as string[]), ...touched]);
  const open = route.auth === 'public' && !write;
  if (body !== undefined && !open && contract.aboutAccesses !== true) {
    // Who looked at which products is not recorded, only which application changed them.
    for (const [, id] of body.matchAll(write && caller?.kind === 'app' ? allIds : personalIds)) resources.add(id!);
  }
  return {
    accessId,
    at: toTimestamp(idTimestamp(accessId)),
    operation: route.operation,
    write,
    status,
    problem: problem ?? null,
    milliseconds,
    requestId,
    applicationId: caller === undefined || caller.kind === 'anonymous' ? null : caller.application.id,
    keyId: caller?.kind === 'app' ? caller.keyId : null,
    customerId,
    network: truncatedAddress(event.requestContext.http.sourceIp) || null,
    resources: [...resources].slice(0, mostResources),
  };
}

const isId = new RegExp(`^(?:${Object.values(idPrefixes).join('|')})_[0-9a-f]{32}$`);

/** Matches ids of some kinds where they are whole JSON strings. */
const idsOf = (...kinds: IdKind[]): RegExp =>
  new RegExp(`"((?:${kinds.map((kind) => idPrefixes[kind]).join('|')})_[0-9a-f]{32})"`, 'g');

const personalKinds: IdKind[] = ['order', 'customer', 'refund', 'application', 'appKey'];
const personalIds = idsOf(...personalKinds);
const allIds = idsOf(...personalKinds, 'product', 'movement');
