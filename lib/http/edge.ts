import { createHash } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { sameHash } from '../auth/bearer.ts';

/** The caches between clients and the API, such as the stage's CDN. */
export type Edge = {
  /** How long they may serve an answer that is the same for all, in seconds; 0 makes them ask each time. */
  maxAge: number;
  /** By which the CDN proves that a request comes from it; without one there is no CDN. */
  key: string | undefined;
};

/**
 * The event of a request that came through the CDN, with the address of its client instead of the CDN's own: limits and the
 * audit go by it. Anybody can send such header fields, so only those beside the CDN's key count.
 */
export function fromClient(event: APIGatewayProxyEventV2, key: string | undefined): APIGatewayProxyEventV2 {
  const { 'counterfoil-edge-key': sent, 'cloudfront-viewer-address': viewer } = event.headers;
  if (key === undefined || sent === undefined || viewer === undefined || !sameHash(hashOf(sent), hashOf(key)))
    return event;
  const { requestContext } = event;
  // The address, a colon and the port; also for IPv6.
  const sourceIp = viewer.slice(0, viewer.lastIndexOf(':'));
  return { ...event, requestContext: { ...requestContext, http: { ...requestContext.http, sourceIp } } };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');
