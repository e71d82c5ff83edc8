import { open } from 'node:fs/promises';

/** How much of an old log is read when the console is opened, in bytes. */
const mostOld = 8 * 1024 * 1024;
const mostAtOnce = 4 * 1024 * 1024;

export type LogLine = Record<string, unknown>;

export type LogTail = {
  /** Reads what was logged since. @returns the lines of JSON, oldest first; others are left out */
  read(): Promise<LogLine[]>;
};

/** Follows the file of what the functions print. It begins with the end of what is there already. */
export function followLog(file: string): LogTail {
  let position: number | undefined;
  let rest = Buffer.alloc(0);
  return {
    async read() {
      const handle = await open(file).catch(() => undefined);
      if (handle === undefined) return [];
      try {
        const { size } = await handle.stat();
        position ??= Math.max(0, size - mostOld);
        // Another file has taken its place, or so much was logged meanwhile that nobody wants to see all of it.
        if (size < position || size > position + mostOld)
          [position, rest] = [Math.max(0, size - mostOld), Buffer.alloc(0)];
        const chunks = [rest];
        while (position < size) {
          const length = Math.min(size - position, mostAtOnce);
          const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
          if (bytesRead === 0) break;
          chunks.push(buffer.subarray(0, bytesRead));
          position += bytesRead;
        }
        const bytes = Buffer.concat(chunks);
        const end = bytes.lastIndexOf(10) + 1;
        rest = bytes.subarray(end);
        return bytes.subarray(0, end).toString().split('\n').flatMap(parse);
      } finally {
        await handle.close();
      }
    },
  };
}

function parse(line: string): LogLine[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}
