import { mkdir, writeFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { htmlOf } from '../../lib/accounts/mail/html.ts';
import { writeEnvironment } from './environment.ts';
import { listenOnLoopback } from './loopback.ts';
import type { Stack } from './stack.ts';

const startedAt = performance.now() - process.uptime() * 1000;
const root = resolve(import.meta.dirname, '../..');
const directory = join(root, '.local');

const help = `npm start -- [--reset] [--standby] [--empty]

  --reset        delete .local/ but for its backups, and start over
  --standby      run a standby of PostgreSQL too, which takes over when the primary ends
  --empty        make no demo shop, so that an export of another stage can be imported
  PORT           port of the API (3000)
  HOST           name or address to listen on, for other machines too; by default only programs on this machine can connect
  IDENTITY_PORT  port of the OpenID provider (PORT + 1)
  RECORD_CALLS   file for each distinct call that a function makes to AWS`;

/** Alarms are looked at when the start is over, which has more urgent work. */
const watchAfterMs = 60_000;

/** `npm start`: runs the whole product on this machine until Ctrl-C. `--reset` deletes its data first. */
async function main(): Promise<void> {
  const args = readArguments();
  if (args.help) return say(help);
  const port = readPort('PORT', 3000);
  const host = readHost();
  const settings = chosenSettings();
  const identityPort = settings.IDENTITY_ISSUER === undefined ? readPort('IDENTITY_PORT', port + 1) : undefined;
  await checkPort(port, 'PORT');
  if (identityPort !== undefined) await checkPort(identityPort, 'IDENTITY_PORT');
  await mkdir(join(directory, 'compile-cache'), { recursive: true, mode: 0o700 });
  enableCompileCache(join(directory, 'compile-cache'));
  // Imported here, so that the compile cache covers them.
  const [{ startStack, resetStack }, { sweepAfterSeconds }, { firstOrder, prepareDemo }] = await Promise.all([
    import('./stack.ts'),
    import('./functions-environment.ts'),
    import('./demo.ts'),
  ]);
  if (args.reset) {
    say('· deleting .local/');
    await resetStack(directory);
  }

  let ready = false;
  const starting = startStack({
    directory,
    port,
    standby: args.standby,
    ...(host === undefined ? {} : { host }),
    ...(identityPort === undefined ? {} : { identityPort }),
    settings,
    // As on Aurora. The console shows the slowest statements.
    postgresSettings: { shared_preload_libraries: 'pg_stat_statements' },
    log: (line) => say(`· ${line}`),
    onRequest: ({ method, path, status, milliseconds }) => {
      if (ready) say(`${method} ${path} ${status} ${Math.round(milliseconds)} ms`);
    },
    onMail: (mail) => {
      const file = mail.attachment === undefined ? '' : `\n   [${mail.attachment.name}]`;
      say(`\n── e-mail to ${mail.to}: ${mail.subject}\n${mail.text.trimEnd().replace(/^(?=.)/gm, '   ')}${file}`);
      // A page of the last one, for whoever wants to see how it looks.
      writeFile(join(directory, 'mail.html'), htmlOf(mail), { mode: 0o600 }).catch(() => {});
    },
    onCrash: (error) => end(1, error),
  });
  const end = endOnce(starting);
  const stack = await starting.catch((error: unknown) => {
    throw withAdvice(error);
  });
  if (!args.empty) say('· preparing the demo shop');
  // An issuer that cannot be read is logged. Signing in with a password works without it.
  const refreshing = stack.inside.runJob('refresh-issuer-keys').catch(() => {});
  const making = args.empty ? Promise.resolve(undefined) : prepareDemo(stack, directory);
  const demo = await making.catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  await Promise.all([writeEnvironment(directory, stack.inside.env), refreshing]);
  // By then the sweeper recognizes the orders that a killed run stored without starting their saga.
  setTimeout(() => stack.inside.runJob('sweep-orders').catch(() => {}), (sweepAfterSeconds + 0.5) * 1000).unref();
  setTimeout(() => stack.inside.watchAlarms().catch(() => {}), watchAfterMs).unref();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const howTo = `${demo === undefined ? '' : firstOrder(demo)}${signIn(stack.inside.issuer, identityPort !== undefined)}`;
  say(`\nCounterfoil is ready at ${stack.baseUrl} after ${seconds} s\n\n${howTo}`);
  ready = true;
}

/**
 * Ends this process on a signal, or when the result is called: stops the stack for at most 1.9 s, then exits with the
 * code. The error is printed. Only the first end counts.
 */
function endOnce(starting: Promise<Stack>): (code: number, error?: unknown) => void {
  let ending = false;
  const end = (code: number, error?: unknown) => {
    if (ending) return;
    ending = true;
    if (error === undefined) say('· stopping');
    else fail(error);
    setTimeout(() => process.exit(code), 1900).unref();
    starting
      .then((stack) => stack.stop())
      .catch(() => {})
      .finally(() => process.exit(code));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
  return end;
}

/** Says how to go on when the migrations of this checkout do not fit the data. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'ReplacedBaseline') {
    return new Error(
      '.local/ holds a database from before the first release, which cannot be migrated: run npm start -- --reset to delete it and start over',
    );
  }
  return /Migration$/.test(error.name) ? new Error(`${error.message}; or start over: npm start -- --reset`) : error;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      reset: { type: 'boolean', default: false },
      standby: { type: 'boolean', default: false },
      empty: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return values;
}

function readPort(name: string, otherwise: number): number {
  const text = process.env[name] ?? String(otherwise);
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new Error(`${name} must be a number from 1 to 65535, not "${text}".`);
}

function readHost(): string | undefined {
  const { HOST } = process.env;
  if (HOST === undefined || /^[A-Za-z0-9.:-]{1,253}$/.test(HOST)) return HOST?.toLowerCase();
  throw new Error(`HOST must be a name or an address, not "${HOST}".`);
}

/** Throws when the port is taken. Nothing is started before that. */
async function checkPort(port: number, name: string): Promise<void> {
  const probes = await listenOnLoopback(port, () => createServer()).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') {
      throw new Error(
        `Port ${port} is in use. Choose another one: ${name}=${port + (name === 'PORT' ? 10 : 1)} npm start`,
      );
    }
    throw new Error(`Port ${port} cannot be opened: ${error.message}.`, { cause: error });
  });
  await Promise.all(probes.map((probe) => new Promise((closed) => probe.close(closed))));
}

/** The settings of the functions that the environment may change on a laptop. */
function chosenSettings(): Record<string, string> {
  const names = [
    'RATE_LIMIT_PER_MINUTE',
    'RATE_CLASSES',
    'LOG_LEVEL',
    'PREPARED_STATEMENTS',
    'SQL_COMMENTS',
    'CACHE',
    'CATALOG_MAX_AGE_SECONDS',
    'CONFIRM_EMAIL',
    'ACCOUNT_PAGES_URL',
    'ORDER_MAILS',
    'NOTICES',
    'NOTICE_MAIL',
    'PAYMENT_PROVIDER',
    'INCLUDE_TIMEOUT_MS',
    'PAYMENT_TIMEOUT_MS',
    'STRIPE_SECRET_KEY',
    'STRIPE_WEBHOOK_SECRET',
    'SESSION_IDLE_SECONDS',
    'SESSION_MAX_SECONDS',
    'TAX',
    'SHIPPING_METHOD',
    'RESERVATION_SECONDS',
    'ORDER_NUMBER_PREFIX',
    'MAX_UNPAID_ORDERS',
    'MAX_UNPAID_UNITS',
    'CAPTURE_AT',
    'AUTHORIZATION_EXPIRY',
    'AUTHORIZATION_MARGIN_SECONDS',
    'CANCELLATION_WINDOW_SECONDS',
    'RECONCILE_DAYS',
    'RECONCILE_GRACE_SECONDS',
    'IDENTITY_ISSUER',
    'IDENTITY_GRACE_SECONDS',
    'AUDIT_MONTHS',
    'ARCHIVE_AFTER_MONTHS',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** How to sign in with an OpenID provider. */
const signIn = (issuer: string | undefined, ours: boolean): string =>
  ours ? `Sign in with OpenID Connect, in a browser: ${issuer}/demo\n` : `Tokens of ${issuer} are accepted\n`;

const say = (line: string): void => console.log(line);
const fail = (error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(process.env.DEBUG === undefined ? message : error);
};

main().catch((error: unknown) => {
  fail(error);
  process.exit(1);
});
