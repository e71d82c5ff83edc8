import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Store } from '../../lib/analytics/warehouse/store.ts';

/** The files of a warehouse in a folder. Whoever reads one finds it whole. */
export function diskStore(root: string): Store {
  const at = (path: string) => join(root, path);
  /** Writes a file under another name first. `place` gives it its own. */
  const put = async (path: string, content: Uint8Array | string, place: (draft: string) => Promise<void>) => {
    const draft = at(`drafts/${randomBytes(8).toString('hex')}`);
    await mkdir(dirname(draft), { recursive: true });
    await mkdir(dirname(at(path)), { recursive: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(draft);
  };
  return {
    read: (path) => readFile(at(path)).catch(absent),
    async slice(path, start, end) {
      const handle = await open(at(path));
      try {
        const { buffer, bytesRead } = await handle.read(new Uint8Array(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
    size: async (path) => (await stat(at(path)).catch(absent))?.size,
    write: (path, content) => put(path, content, (draft) => rename(draft, at(path))),
    async create(path, content) {
      let created = true;
      await put(path, content, async (draft) => {
        await link(draft, at(path)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          created = false;
        });
        await rm(draft);
      });
      return created;
    },
    async list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const found = await readdir(at(folder), { recursive: true, withFileTypes: true }).catch(absent);
      return (found ?? [])
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(join(root, '/').length))
        .filter((path) => path.startsWith(prefix) && !path.startsWith('drafts/'))
        .toSorted();
    },
    async remove(paths) {
      for (const path of paths) await rm(at(path), { force: true });
    },
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
