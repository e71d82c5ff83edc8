import { createWriteStream } from 'node:fs';

export type Journal = ReturnType<typeof openJournal>;

/** What happened, a line of JSON each, and what must not happen, which is kept to be told at the end. */
export function openJournal(file: string) {
  const output = createWriteStream(file, { flags: 'a' });
  const startedAt = Date.now();
  const counts = new Map<string, number>();
  const violations: string[] = [];
  const note = (actor: string, what: string, details: object = {}): void => {
    output.write(`${JSON.stringify({ at: Date.now() - startedAt, actor, what, ...details })}\n`);
  };
  return {
    violations,
    note,
    count(name: string): void {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    /** Counts whose name starts so, without that start. */
    counted: (start: string): [string, number][] =>
      [...counts]
        .filter(([name]) => name.startsWith(start))
        .map(([name, count]): [string, number] => [name.slice(start.length), count])
        .sort(),
    violation(actor: string, sentence: string): void {
      violations.push(sentence);
      note(actor, 'VIOLATION', { sentence });
      console.log(`! ${sentence}`);
    },
    close: () => new Promise<void>((resolve) => void output.end(resolve)),
  };
}
