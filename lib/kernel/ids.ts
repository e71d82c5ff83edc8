import { createHash, randomFillSync } from 'node:crypto';
import type { Clock } from './clock.ts';

/** Prefix of the ids of each kind. */
export const idPrefixes = {
  order: 'ord',
  customer: 'cus',
  address: 'adr',
  product: 'prd',
  category: 'cat',
  payment: 'pay',
  refund: 'rfd',
  fulfilment: 'ful',
  return: 'ret',
  cancellation: 'can',
  event: 'evt',
  movement: 'mov',
  stockLevel: 'stk',
  finding: 'fnd',
  application: 'app',
  appKey: 'key',
  request: 'req',
  identity: 'idn',
  action: 'act',
  session: 'ses',
  mail: 'eml',
  access: 'acc',
  webhookEndpoint: 'whe',
  delivery: 'dlv',
  import: 'imp',
  reportSubscription: 'rsb',
  reportRun: 'rrn',
  reportExport: 'rex',
} as const;

export type IdKind = keyof typeof idPrefixes;

const random = new Uint8Array(16);
let lastMs = 0;
let counter = 0;

/**
 * A new id: the kind's prefix, `_`, and the 32 hex digits of a UUIDv7 (RFC 9562 §5.7), so that ids of one kind sort by
 * age. Within a millisecond, a process counts up in `rand_a` from a random start (§6.2, method 1).
 */
export function newId(kind: IdKind, clock: Clock): string {
  const ms = clock.now();
  randomFillSync(random);
  random[0] = Math.floor(ms / 2 ** 40);
  random[1] = Math.floor(ms / 2 ** 32);
  random[2] = Math.floor(ms / 2 ** 24);
  random[3] = Math.floor(ms / 2 ** 16);
  random[4] = Math.floor(ms / 2 ** 8);
  random[5] = ms;
  counter = ms === lastMs && counter < 0xfff ? counter + 1 : ((random[6]! & 0x07) << 8) | random[7]!;
  lastMs = ms;
  random[6] = 0x70 | (counter >> 8);
  random[7] = counter;
  random[8] = 0x80 | (random[8]! & 0x3f);
  return `${idPrefixes[kind]}_${Buffer.from(random).toString('hex')}`;
}

/** An id that follows from what it is of, so that a repeat of the same request has the same one. It has no age. */
export const derivedId = (kind: IdKind, of: readonly string[]): string =>
  `${idPrefixes[kind]}_${createHash('sha256').update(JSON.stringify(of)).digest('hex').slice(0, 32)}`;

/** Matches ids of a kind, for schemas and constraints. */
export const idPattern = (kind: IdKind): RegExp => new RegExp(`^${idPrefixes[kind]}_[0-9a-f]{32}$`);

/** The lowest possible id of a kind at a time in milliseconds since the epoch. Bounds a search by age. */
export const idAt = (kind: IdKind, ms: number): string =>
  `${idPrefixes[kind]}_${Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')}${'0'.repeat(20)}`;

/** When an id was made, in milliseconds since the epoch. */
export const idTimestamp = (id: string): number => Number.parseInt(id.slice(4, 16), 16);
