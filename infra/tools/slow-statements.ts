/** A statement that took long or was cut off. */
export type SlowStatement = { at: string; user: string; server?: string; took: string; statement: string };

/**
 * What a log of PostgreSQL says of slow statements: those above `log_min_duration_statement`, and those that a time-out or an
 * operator ended. Its lines begin with `log_line_prefix` of the laptop: the time, and the user before the process.
 */
export function slowStatements(log: string): SlowStatement[] {
  const found: SlowStatement[] = [];
  const cut = new Map<string, string>();
  for (const { at, user, pid, kind, text } of entriesOf(log)) {
    const duration = /^duration: ([\d.]+) ms {2}(?:statement|execute [^:]*): (.*)$/s.exec(text);
    if (duration !== null) {
      found.push({ at, user, took: `${Math.round(Number(duration[1]))} ms`, statement: inOneLine(duration[2]!) });
    } else if (kind === 'ERROR' && /^canceling statement/.test(text)) cut.set(pid, text);
    else if (kind === 'STATEMENT' && cut.has(pid)) {
      found.push({ at, user, took: `cut: ${cut.get(pid)}`, statement: inOneLine(text) });
      cut.delete(pid);
    }
  }
  return found;
}

/** The entries of sessions. Lines that begin with a tab go on with the one before. */
const entriesOf = (log: string) =>
  [
    ...log.matchAll(/^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+) ([a-z_]+)\[(\d+)\] ([A-Z]+): {2}(.*(?:\n\t.*)*)$/gm),
  ].map(([, at, user, pid, kind, text]) => ({ at: at!, user: user!, pid: pid!, kind: kind!, text: text! }));

const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, 300);
