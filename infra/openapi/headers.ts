import type { OperationContract } from '../../lib/contract/api/operation.ts';
import { maxWaitSeconds } from '../../lib/contract/api/orders.ts';
import type { Route } from '../../lib/contract/deploy/route.ts';
import type { Schema } from '../../lib/contract/docs/document.ts';

/** `components.parameters`: header fields of requests. */
export const requestHeaders = {
  RequestId: header(
    'X-Request-Id',
    'Your id for this request. The answer and our logs contain it. Up to 128 letters, digits, `.`, `_` and `-`; otherwise we generate an id.',
    { type: 'string', examples: ['checkout-4711'] },
  ),
  IdempotencyKeyRequired: {
    ...header(
      'Idempotency-Key',
      'A new value for each operation, the same value for each retry of it. A repeat gets the first answer.',
      { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
    ),
    required: true,
    example: '5f2b8c1e-basket-17',
  },
  IdempotencyKeyAccepted: header(
    'Idempotency-Key',
    'A new value for each operation, the same value for each retry of it. A repeat gets the first answer.',
    { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  ),
  Prefer: header('Prefer', `\`wait=N\`: wait up to N seconds (at most ${maxWaitSeconds}) for the order to end.`, {
    type: 'string',
    examples: ['wait=10'],
  }),
  IfMatch: header(
    'If-Match',
    'One or more `ETag`s. The change is refused with 412 unless the resource still has one of them.',
    {
      type: 'string',
      examples: ['"3"'],
    },
  ),
  IfNoneMatch: header('If-None-Match', 'The `ETag` of your copy. The answer is 304 if the copy is still current.', {
    type: 'string',
    examples: ['"3"'],
  }),
  OrderToken: header('Order-Token', 'What a guest got with their order. It comes with a `Client-Id`.', {
    type: 'string',
  }),
} as const satisfies Record<string, Schema>;

/** `components.headers`: header fields of responses. */
export const responseHeaders = {
  'X-Request-Id': described('The id of this request: yours if you sent one.'),
  RateLimit: described(
    'What is left of each limit, and the seconds until it rises (IETF draft): `"address";r=97;t=41`.',
  ),
  'RateLimit-Policy': described('Each limit and its window in seconds (IETF draft): `"address";q=100;w=60`.'),
  'Retry-After': described('Seconds to wait before you try again.', 'integer'),
  Location: described('The path of what was created.'),
  'Order-Token': described('Reads and changes a guest’s order. Keep it: it is shown in no other answer.'),
  ETag: described('The version of the representation, for `If-Match` and `If-None-Match`.'),
  'Idempotency-Replayed': described('`true` when the first answer is repeated.'),
  'Preference-Applied': described('The preference that was applied.'),
  'WWW-Authenticate': described('`Bearer`'),
  'Report-As-Of': described('With CSV: as of when the data are at least.'),
  'Report-Lag-Seconds': described('With CSV: how old the data are at most.', 'number'),
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
  if (contract.orderToken) names.push('OrderToken');
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
    ...(extra.includes('Order-Token') ? ['Order-Token' as const] : []),
    ...(((contract.etag || contract.ifMatch) && status === 200) || extra.includes('ETag') ? ['ETag' as const] : []),
    ...(contract.idempotency === undefined ? [] : ['Idempotency-Replayed' as const]),
    ...(contract.wait ? ['Preference-Applied' as const] : []),
    ...(contract.formats ? (['Report-As-Of', 'Report-Lag-Seconds'] as const) : []),
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
