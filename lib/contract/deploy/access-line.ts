import * as z from 'zod/mini';
import { id } from '../api/common.ts';
import { mostResources } from './access-pattern.ts';

const short = z.string().check(z.minLength(1), z.maxLength(64));

/**
 * The access record of one request, one line of JSON in the log. It holds ids and no personal data. A field is null if it
 * was not yet known when the request was refused.
 */
export const accessLine = z.object({
  accessId: id('access'),
  at: z.iso.datetime(),
  operation: z.string().check(z.minLength(1), z.maxLength(100)),
  write: z.boolean(),
  status: z.int().check(z.gte(100), z.lte(599)),
  /** The code of the problem in the answer. */
  problem: z.nullable(z.string().check(z.maxLength(100))),
  milliseconds: z.number().check(z.gte(0), z.lte(2 ** 31 - 1)),
  requestId: z.string().check(z.maxLength(128)),
  applicationId: z.nullable(short),
  keyId: z.nullable(short),
  customerId: z.nullable(id('customer')),
  /** The client's network, /24 of IPv4 or /48 of IPv6. */
  network: z.nullable(short),
  resources: z.array(short).check(z.maxLength(mostResources)),
});
export type AccessLine = z.output<typeof accessLine>;
