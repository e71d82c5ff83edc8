import { writeFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { firstOrder } from './first-order.ts';

const startedAt = performance.now() - process.uptime() * 1000;
const root = resolve(import.meta.dirname, '../..');
const directory = join(root, '.local');

/** `npm start`: the whole product on this machine until Ctrl-C. `--reset` begins with nothing. */
async function main(): Promise<void> {
  const { reset, help } = readArguments();
  if (help)
    return say(
      'npm start -- [--reset]\n\n  --reset   throw away .local/ and start over\n  PORT      port of the API (3000)\n  IDENTITY_PORT  port of the OpenID provider (PORT + 1)',
    );
  const port = readPort('PORT', 3000);
  const settings = chosenSettings();
  const identityPort = settings.IDENTITY_ISSUER === undefined ? readPort('IDENTITY_PORT', port + 1) : undefined;
  await Promise.all([
    checkPort(port, 'PORT'),
    ...(identityPort === undefined ? [] : [checkPort(identityPort, 'IDENTITY_PORT')]),
  ]);
  enableCompileCache(join(directory, 'compile-cache'));
  const [{ startStack, resetStack, sweepAfterSeconds }, { prepareDemo }] = await Promise.all([
    import('./stack.ts'),
    import('./demo.ts'),
  ]);
  if (reset) {
    say('· throwing away .local/');
    await resetStack(directory);
  }

  let ending: Promise<void> | undefined;
  const end = (code: number) => {
    ending ??= (async () => {
      setTimeout(() => process.exit(code), 1900).unref();
      await starting.then((stack) => stack.stop()).catch(() => {});
      process.exit(code);
    })();
    return ending;
  };
  const starting = startStack({
    directory,
    port,
    ...(identityPort === undefined ? {} : { identityPort }),
    settings,
    log: (line) => say(`· ${line}`),
    onRequest: ({ method, path, status, milliseconds }) => {
      if (ready) say(`${method} ${path} ${status} ${Math.round(milliseconds)} ms`);
    },
    onMail: ({ to, subject, text }) =>
      say(`\n── mail to ${to}: ${subject}\n${text.trimEnd().replace(/^(?=.)/gm, '   ')}`),
    onCrash: (error) => {
      if (ending !== undefined) return;
      fail(error);
      void end(1);
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (ending === undefined) say('· stopping');
      void end(0);
    });
  }

  let ready = false;
  const stack = await starting.catch((error: unknown) => {
    throw isMigrationError(error) ? new Error(`${error.message}; or start over: npm start -- --reset`) : error;
  });
  say('· preparing the demo shop');
  // An issuer that does not answer says so in the log, and stops nobody who signs in by password.
  const refreshing = stack.inside.runJob('refresh-issuer-keys').catch(() => {});
  const demo = await prepareDemo(stack, directory).catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  await Promise.all([writeEnvironment(stack.inside.env), refreshing]);
  // Orders that a killed run stored without starting their saga are known to be left by then.
  setTimeout(() => stack.inside.runJob('sweep-orders').catch(() => {}), (sweepAfterSeconds + 0.5) * 1000).unref();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  say(
    `\nCounterfoil is ready at ${stack.baseUrl} after ${seconds} s\n\n${firstOrder(demo)}${signIn(stack.inside.issuer, identityPort !== undefined)}`,
  );
  ready = true;
}

/** For tools that work on the running stack: `sh infra/node24.sh node --env-file=.local/functions.env infra/tools/apps.ts list`. */
async function writeEnvironment(env: Record<string, string>): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(directory, 'functions.env'), lines.join(''), { mode: 0o600 });
}

/** The data is of another state of the migrations than the checkout. */
const isMigrationError = (error: unknown): error is Error =>
  error instanceof Error && /Migration$/.test(error.name) && error.name !== 'MigrationFailed';

function readArguments() {
  const { values } = parseArgs({
    options: { reset: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  return values;
}

function readPort(name: string, otherwise: number): number {
  const text = process.env[name] ?? String(otherwise);
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new Error(`${name} must be a number from 1 to 65535, not "${text}".`);
}

/** Asked before anything is started, so that a taken port leaves nothing behind. */
async function checkPort(port: number, name: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((found, refused) => {
    probe.once('error', refused).listen(port, found);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') {
      throw new Error(
        `Port ${port} is in use; choose another one: ${name}=${port + (name === 'PORT' ? 10 : 1)} npm start`,
      );
    }
    throw new Error(`Port ${port} cannot be opened: ${error.message}.`, { cause: error });
  });
  await new Promise((closed) => probe.close(closed));
}

/** Settings of the functions that a developer may choose on a laptop too. */
function chosenSettings(): Record<string, string> {
  const names = [
    'RATE_LIMIT_PER_MINUTE',
    'LOG_LEVEL',
    'CONFIRM_EMAIL',
    'ACCOUNT_PAGES_URL',
    'PAYMENT_PROVIDER',
    'PAYMENT_TIMEOUT_MS',
    'STRIPE_SECRET_KEY',
    'STRIPE_WEBHOOK_SECRET',
    'SESSION_IDLE_SECONDS',
    'SESSION_MAX_SECONDS',
    'RESERVATION_SECONDS',
    'CANCELLATION_WINDOW_SECONDS',
    'RECONCILE_DAYS',
    'RECONCILE_GRACE_SECONDS',
    'IDENTITY_ISSUER',
    'IDENTITY_GRACE_SECONDS',
    'AUDIT_MONTHS',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Lines to paste into a shell, one after the other. */
const signIn = (issuer: string | undefined, ours: boolean): string =>
  ours ? `Sign in by OpenID Connect, in a browser: ${issuer}/demo\n` : `Tokens of ${issuer} are taken\n`;

const say = (line: string): void => console.log(line);
const fail = (error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(process.env.DEBUG === undefined ? message : error);
};

main().catch((error: unknown) => {
  fail(error);
  process.exit(1);
});
