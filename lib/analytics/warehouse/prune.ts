import type { Clock } from '../../kernel/clock.ts';
import { type Manifest, manifestPaths, readManifestAt } from './files.ts';
import { withLease } from './lease.ts';
import type { Store } from './store.ts';

/** Every state of the last days is kept, and of the days before that the last of each. */
export type Keeps = { everyStateDays: number; dailyStateDays: number };

const dayMs = 24 * 3600 * 1000;

/**
 * Removes old states: their manifests, what Athena finds them by, and the files that no other state has. The newest stays, however old
 * it is. What an earlier load left unfinished goes too.
 * @throws LoadRunning, BrokenFile
 */
export async function prune(store: Store, clock: Clock, keeps: Keeps): Promise<{ states: number; files: number }> {
  return withLease(store, clock, async () => {
    const now = clock.now();
    const kept: Manifest[] = [];
    const days = new Set<string>();
    const gone: string[] = [];
    for (const path of await manifestPaths(store)) {
      const manifest = await readManifestAt(store, path);
      const day = manifest.asOf.slice(0, 10);
      const age = (now - Date.parse(manifest.asOf)) / dayMs;
      const isLastOfDay = !days.has(day);
      days.add(day);
      if (kept.length === 0 || age <= keeps.everyStateDays || (isLastOfDay && age <= keeps.dailyStateDays)) {
        kept.push(manifest);
      } else gone.push(path);
    }
    // Manifests first: no state may name a file that is gone.
    await store.remove(gone);
    const numbers = new Set(kept.map(({ number }) => String(number)));
    const links = (await store.list('links/')).filter((path) => {
      const [, state] = path.split('/');
      return state !== 'newest' && !numbers.has(state!);
    });
    await store.remove(links);
    const named = new Set(
      kept.flatMap(({ tables }) =>
        Object.values(tables).flatMap((files) => Object.values(files).map(({ path }) => path)),
      ),
    );
    const files = (await store.list('data/')).filter((path) => !named.has(path));
    await store.remove(files);
    return { states: gone.length, files: files.length };
  });
}
