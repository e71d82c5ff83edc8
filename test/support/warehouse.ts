import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { diskStore } from '../../infra/warehouse/disk-store.ts';
import * as whole from '../../lib/analytics/warehouse/check.ts';
import * as files from '../../lib/analytics/warehouse/files.ts';
import * as loading from '../../lib/analytics/warehouse/load.ts';
import type { Store } from '../../lib/analytics/warehouse/store.ts';
import { stopwatch, systemClock } from '../../lib/kernel/clock.ts';

/** What loads and checks need, by the clock of this machine. */
export const depsOf = (sql: Sql, store: Store) => ({ sql, store, clock: systemClock, stopwatch, sleep });

/** A load into a folder, or into another store. */
export const load = (sql: Sql, into: string | Store, options: loading.LoadOptions = {}) =>
  loading.load(depsOf(sql, typeof into === 'string' ? diskStore(into) : into), options);

/** A check of a warehouse in a folder. */
export const check = (sql: Sql, root: string, manifest: files.Manifest) =>
  whole.check(depsOf(sql, diskStore(root)), manifest);

/** A manifest in a folder. */
export const readManifest = (root: string, asOf?: Date) => files.readManifest(diskStore(root), asOf);
