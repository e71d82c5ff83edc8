import { open, stat } from 'node:fs/promises';

/** A statement that PostgreSQL ran, as its own log has it. */
export type LoggedStatement = {
  role: string;
  /** The virtual id of the transaction that it ran in. */
  transaction: string;
  /** Whether that transaction had written, or locked rows to write, when the statement was through. */
  wrote: boolean;
  text: string;
};

/** Settings of PostgreSQL that make it log every statement once it is through, with the transaction's ids. */
export const loggingStatements = {
  log_min_duration_statement: '0',
  log_line_prefix: 'at %u %v %x: ',
  log_destination: 'stderr',
};

/** Where a log ends now. */
export const endOf = async (file: string): Promise<number> => (await stat(file)).size;

/** The statements in a part of the log, without those that only begin and end transactions. */
export async function readStatements(file: string, from: number, to: number): Promise<LoggedStatement[]> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
    return parse(buffer.toString('utf8')).filter(({ text }) => !transactionControl.test(text));
  } finally {
    await handle.close();
  }
}

const transactionControl = /^(begin|start transaction|commit|end|rollback|abort|savepoint|release)\b/i;
/** Preparing and binding a statement is logged too, and is not running it. */
const ran = /^at (\S+) (\d+\/\d+) (\d+): LOG: {2}duration: [\d.]+ ms {2}(?:statement|execute [^:]+): ([\s\S]*)$/;

function parse(log: string): LoggedStatement[] {
  // What goes on over several lines is indented by a tab.
  const entries = log.replaceAll('\n\t', '\n').split(/^(?=at \S+ \d*\/?\d* \d+: )/m);
  return entries.flatMap((entry) => {
    const found = ran.exec(entry.trimEnd());
    if (found === null) return [];
    const [, role = '', transaction = '', xid, text = ''] = found;
    return [{ role, transaction, wrote: xid !== '0', text: text.trim().replaceAll(/\s+/g, ' ') }];
  });
}
