import { parseArgs } from 'node:util';
import { isDatabase } from './databases.ts';
import type { Hooks } from './hooks.ts';
import { type ShopKind, type Sizes, shopKinds } from './test-shop.ts';

export const usage = `npm run move-in -- assess FOLDER      say what is in the files of another shop, and what will not fit
npm run move-in -- load FOLDER        write products, customers and past orders; run it again to go on, or for what changed
npm run move-in -- verify FOLDER      compare what is here with the files
npm run move-in -- cut-over FOLDER    close the old shop, load what changed last, verify, and send customers here
npm run move-in -- back-out FOLDER    go back to the old shop, while nothing was sold here
npm run move-in -- map FOLDER         draft a mapping file from the names of columns and what is in them
npm run move-in -- test-shop FOLDER   write the files of a made-up shop

FOLDER has products, customers, coupons and orders, each as .csv or .ndjson, or is the address of a database, such as
postgres://reader@host/shop or mysql://reader@host/shop, with MOVE_IN_PASSWORD. Rows are read as exports of WooCommerce, or
from its MySQL database, or
  --mapping NAME    as those of shopify or medusa
  --mapping FILE    as a file says; the database of another shop needs its queries
  --out FOLDER      where reports and rejected rows go; FOLDER-report by default
  --measure         assess loads a sample of rows, takes it back, and says how long a load will take
  --samples N       orders that verify compares in every field (1000)
  --kind NAME       the test shop is of woocommerce (default), shopify or medusa, or shop.sql has the database of a WooCommerce:
                    wordpress, or wordpress-posts as it was before 8.2
  --products N, --customers N, --orders N   sizes of the test shop (100, 200, 1000)

For cut-over and back-out:
  --rehearse        load and verify, take the time, and neither close the old shop nor switch
  --freeze COMMAND  closes the old shop; or --frozen, if it is closed already
  --thaw COMMAND    opens it again, when the cut-over fails and at a back-out
  --export COMMAND  writes the files of the closed shop to FOLDER
  --switch COMMAND  sends customers here; at a back-out, to the old shop
  --within SECONDS  gives up once the old shop has been closed for so long
  --allow N         differences that are known and accepted (0)

All but assess, map and test-shop, and assess with --measure, connect as the migrator, with DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, DATABASE_CA_FILE and your
AWS credentials. Reports and rejected rows hold customers' data in plain text. See docs/move-in.md.`;

const names = ['assess', 'load', 'verify', 'cut-over', 'back-out', 'map', 'test-shop'] as const;

export type CommandLine = {
  command: (typeof names)[number];
  /** A folder, or the address of a database. */
  folder: string;
  kind: ShopKind;
  mapping: string | undefined;
  out: string;
  samples: number;
  sizes: Sizes;
  hooks: Hooks;
  rehearse: boolean;
  measure: boolean;
  frozen: boolean;
  within: number | undefined;
  allow: number;
};

/** @returns undefined when the command line is not valid */
export function parseCommandLine(args: string[]): CommandLine | undefined {
  try {
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
    const [name, folder, ...more] = positionals;
    const command = names.find((one) => one === name);
    const kind = shopKinds.find((one) => one === values.kind);
    if (command === undefined || folder === undefined || kind === undefined || more.length > 0) return undefined;
    return {
      command,
      folder,
      kind,
      mapping: values.mapping,
      out: values.out ?? (isDatabase(folder) ? 'move-in-report' : `${folder.replace(/\/+$/, '')}-report`),
      samples: number(values.samples),
      sizes: { products: number(values.products), customers: number(values.customers), orders: number(values.orders) },
      hooks: { freeze: values.freeze, export: values.export, switch: values.switch, thaw: values.thaw },
      rehearse: values.rehearse,
      measure: values.measure,
      frozen: values.frozen,
      within: values.within === undefined ? undefined : number(values.within),
      allow: values.allow === '0' ? 0 : number(values.allow),
    };
  } catch {
    return undefined;
  }
}

const text = (value: string) => ({ type: 'string', default: value }) as const;
const options = {
  mapping: { type: 'string' },
  out: { type: 'string' },
  samples: text('1000'),
  kind: text('woocommerce'),
  products: text('100'),
  customers: text('200'),
  orders: text('1000'),
  rehearse: { type: 'boolean', default: false },
  measure: { type: 'boolean', default: false },
  frozen: { type: 'boolean', default: false },
  freeze: { type: 'string' },
  thaw: { type: 'string' },
  export: { type: 'string' },
  switch: { type: 'string' },
  within: { type: 'string' },
  allow: text('0'),
} as const;

function number(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new Error(`${value} is not a number from 1 to 9999999`);
  return Number(value);
}
