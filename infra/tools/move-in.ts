import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/kernel/clock.ts';
import { config } from '../../lib/platform/config.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { assessShop } from '../move-in/assess.ts';
import { assessmentPage } from '../move-in/assessment-page.ts';
import { MoveInRefused } from '../move-in/errors.ts';
import { loadShop, rejectedFile } from '../move-in/load.ts';
import type { Counts } from '../move-in/loading.ts';
import { type Mapping, readMapping } from '../move-in/mapping.ts';
import { writeTestShop } from '../move-in/test-shop.ts';
import { verifyShop } from '../move-in/verify.ts';

export const usage = `npm run move-in -- assess FOLDER      say what is in the files of another shop, and what will not fit
npm run move-in -- load FOLDER        write products, customers and past orders; run it again to go on, or for what changed
npm run move-in -- verify FOLDER      compare what is here with the files
npm run move-in -- test-shop FOLDER   write the files of a made-up WooCommerce shop

FOLDER has products, customers and orders, each as .csv or .ndjson. They are read as exports of WooCommerce, or
  --mapping FILE   says where it differs
  --out FOLDER     where reports and rejected rows go; FOLDER-report by default
  --samples N      orders that verify compares in every field (1000)
  --products N, --customers N, --orders N   sizes of the test shop (100, 200, 1000)

load and verify connect as the migrator, with DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_CA_FILE and your AWS
credentials. Reports and rejected rows hold customers' data in plain text. See docs/move-in.md.`;

type Print = { out: (line: string) => void; err: (line: string) => void };
/** `ownPrefix` is that of the numbers of new orders. */
type Stage = { open: () => Sql; ownPrefix: () => string };
type Run = { folder: string; out: string; mapping: Mapping; samples: number; print: Print } & Stage;

/** Runs one command line. @returns the exit code: 0 done, 1 refused or different, 2 invalid command line */
export async function runMoveIn(args: string[], stage: Stage, print: Print): Promise<number> {
  const asked = parse(args);
  const command = asked?.command;
  if (asked === undefined || !(command === 'test-shop' || (command !== undefined && command in commands))) {
    print.err(usage);
    return 2;
  }
  const { folder, out, sizes, samples } = asked;
  try {
    if (command === 'test-shop') {
      await writeTestShop(folder, sizes);
      print.out(`${folder} has the files of a made-up shop.`);
      return 0;
    }
    const mapping = await readMapping(asked.mapping);
    return await commands[command as keyof typeof commands]({ folder, out, mapping, samples, print, ...stage });
  } catch (error) {
    if (!(error instanceof MoveInRefused)) throw error;
    print.err(error.message);
    return 1;
  }
}

const commands = {
  assess: async ({ folder, out, mapping, print }: Run): Promise<number> => {
    const report = await assessShop(folder, mapping, new Date(systemClock.now()));
    await mkdir(out, { recursive: true, mode: 0o700 });
    await writeFile(join(out, 'assessment.json'), `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
    await writeFile(join(out, 'assessment.html'), assessmentPage(report), { mode: 0o600 });
    for (const { kind, rows, fitting } of report.files)
      print.out(`${kind}: ${rows} rows, ${rows - fitting} of them do not fit`);
    print.out(`See ${join(out, 'assessment.html')}.`);
    return 0;
  },
  load: ({ folder, out, mapping, open, ownPrefix, print }: Run): Promise<number> =>
    connected(open, async (sql) => {
      if (mapping.prefix === ownPrefix())
        throw new MoveInRefused(
          `The prefix ${mapping.prefix} is that of the numbers of new orders: choose another one in the mapping.`,
        );
      const line = (kind: string, { rows, added, changed, unchanged, rejected }: Counts) =>
        `${kind}: ${rows} rows, ${added} added, ${changed} changed, ${unchanged} as before, ${rejected} rejected`;
      const counts = await loadShop({
        sql,
        folder,
        out,
        mapping,
        clock: systemClock,
        onBatch: (kind, so) => print.out(`· ${line(kind, so)}`),
      });
      for (const [kind, all] of Object.entries(counts)) print.out(line(kind, all));
      if (Object.values(counts).some(({ rejected }) => rejected > 0))
        print.out(`See ${rejectedFile(out)} for the rows that were rejected.`);
      return 0;
    }),
  verify: ({ folder, out, mapping, samples, open, print }: Run): Promise<number> =>
    connected(open, async (sql) => {
      const { compared, differences } = await verifyShop({ sql, folder, mapping, samples });
      await mkdir(out, { recursive: true, mode: 0o700 });
      await writeFile(join(out, 'verification.json'), `${JSON.stringify({ compared, differences }, null, 2)}\n`, {
        mode: 0o600,
      });
      for (const { kind, id, what } of differences.slice(0, 20)) print.err(`${kind} ${id}: ${what}`);
      if (differences.length > 20)
        print.err(`… and ${differences.length - 20} more in ${join(out, 'verification.json')}`);
      print.out(
        `${Object.entries(compared)
          .map(([kind, rows]) => `${rows} ${kind}`)
          .join(', ')} compared, ${differences.length} differences.`,
      );
      return differences.length === 0 ? 0 : 1;
    }),
};

async function connected<T>(open: () => Sql, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = open();
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function parse(args: string[]) {
  try {
    const number = (text: string): number => {
      if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`${text} is not a number from 1 to 9999999`);
      return Number(text);
    };
    const text = (value: string) => ({ type: 'string', default: value }) as const;
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        mapping: { type: 'string' },
        out: { type: 'string' },
        samples: text('1000'),
        products: text('100'),
        customers: text('200'),
        orders: text('1000'),
      },
    });
    const [command, folder, ...more] = positionals;
    if (command === undefined || folder === undefined || more.length > 0) return undefined;
    return {
      command,
      folder,
      mapping: values.mapping,
      out: values.out ?? `${folder.replace(/\/+$/, '')}-report`,
      samples: number(values.samples),
      sizes: { products: number(values.products), customers: number(values.customers), orders: number(values.orders) },
    };
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const stage = { open: () => sqlAs('migrator'), ownPrefix: () => config().ORDER_NUMBER_PREFIX };
  process.exitCode = await runMoveIn(process.argv.slice(2), stage, { out: console.log, err: console.error });
}
