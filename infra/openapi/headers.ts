import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { maxWaitSeconds } from '../../lib/contract/api/orders.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import type { Schema } from '../../lib/contract/docs/document.ts';

/** `components.parameters`: header fields of requests. */
export const requestHeaders = {
  RequestId: header(
    'X-Request-Id',
    'Your own id of this request, which comes back and stands in our logs: up to 128 letters, digits and `.`, `_`, `-`. What is anything else is not used, and the request has an id of ours.',
    { type: 'string', examples: ['checkout-4711'] },
  ),
  IdempotencyKeyRequired: {
    ...header(
      'Idempotency-Key',
      'New for each thing to be done, the same for each attempt at it. A repeat gets the first answer.',
      { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    ),
    required: true,
    example: '5f2b8c1e-basket-17',
  },
  IdempotencyKeyAccepted: header(
    'Idempotency-Key',
    'New for each thing to be done, the same for each attempt at it. A repeat gets the first answer.',
    { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  ),
  Prefer: header('Prefer', `\`wait=N\`: wait up to N seconds (at most ${maxWaitSeconds}) for the order to end.`, {
    type: 'string',
    examples: ['wait=10'],
  }),
  IfMatch: header('If-Match', 'The `ETag` that was read last: change nothing when somebody else has since.', {
    type: 'string',
    examples: ['"3"'],
  }),
  IfNoneMatch: header('If-None-Match', 'The `ETag` of a copy that you hold: 304 when it is still good.', {
    type: 'string',
    examples: ['"3"'],
  }),
} as const satisfies Record<string, Schema>;

/** `components.headers`: header fields of responses. */
export const responseHeaders = {
  'X-Request-Id': described('The id of this request: yours if you sent one.'),
  RateLimit: described('What is left of each limit and when it turns (IETF draft): `"address";r=97;t=41`.'),
  'RateLimit-Policy': described('Each limit and its window in seconds (IETF draft): `"address";q=100;w=60`.'),
  'Retry-After': described('Seconds after which trying again makes sense.', 'integer'),
  Location: described('Where to find what was made.'),
  ETag: described('The version of the answer, for `If-Match` and `If-None-Match`.'),
  'Idempotency-Replayed': described('`true` when this is the first answer once more.'),
  'Preference-Applied': described('The `Prefer` that was followed.'),
  'WWW-Authenticate': described('`Bearer`'),
} as const satisfies Record<string, Schema>;

export type ResponseHeader = keyof typeof responseHeaders;

/** References to the header fields that an operation takes. */
export function requestHeadersOf(contract: OperationContract): Schema[] {
  const names: (keyof typeof requestHeaders)[] = [];
  if (contract.idempotency === 'required') names.push('IdempotencyKeyRequired');
  if (contract.idempotency === 'accepted') names.push('IdempotencyKeyAccepted');
  if (contract.wait) names.push('Prefer');
  if (contract.ifMatch) names.push('IfMatch');
  if (contract.etag) names.push('IfNoneMatch');
  names.push('RequestId');
  const signature = contract.signed && {
    ...header(contract.signed.header, 'Signs the body.', { type: 'string' }),
    required: true,
  };
  return [
    ...(signature === undefined ? [] : [signature]),
    ...names.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
}

/** References to the header fields that every answer of an operation has. */
export const commonHeadersOf = (route: Pick<Route, 'rateClass'>): ResponseHeader[] =>
  route.rateClass === 'exempt' ? ['X-Request-Id'] : ['X-Request-Id', 'RateLimit', 'RateLimit-Policy'];

/** References to the header fields of an operation's success. */
export function successHeadersOf(route: Route, contract: OperationContract, status: number): ResponseHeader[] {
  const { headers: extra = [] } = contract;
  return [
    ...(extra.includes('Location') && status !== 200 ? ['Location' as const] : []),
    ...(((contract.etag || contract.ifMatch) && status === 200) || extra.includes('ETag') ? ['ETag' as const] : []),
    ...(contract.idempotency === undefined ? [] : ['Idempotency-Replayed' as const]),
    ...(contract.wait ? ['Preference-Applied' as const] : []),
    ...commonHeadersOf(route),
  ];
}

export const headerReferences = (names: readonly ResponseHeader[]): Schema =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function header(name: string, description: string, schema: Schema) {
  return { name, in: 'header', required: false, description, schema };
}

function described(description: string, type = 'string') {
  return { description, schema: { type } };
}
