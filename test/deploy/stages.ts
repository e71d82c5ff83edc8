import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailed, cdk, run } from './command.ts';
import { account, type Emulator, region } from './emulator.ts';

export const root = resolve(import.meta.dirname, '../..');

export type Outputs = Record<string, Record<string, string>>;

/** The settings of a stage that sells. Its secrets need not exist: no order is paid here. */
export const prodSettings: Readonly<Record<string, string>> = {
  profile: 'prod',
  paymentProvider: 'stripe',
  stripeSecretArn: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:stripe-AbCdEf',
  stripeWebhookSecretArn: 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:stripe-webhook-AbCdEf',
  mailFrom: 'shop@example.com',
  alarmEmail: 'duty@example.com',
  // A new account may run ten functions at once, and reserves none.
  reserveConcurrency: 'off',
};

/** Synthesizes a stage, of this checkout or of another folder. @returns the folder of its templates */
export async function synthesize(
  emulator: Emulator,
  name: string,
  settings: Readonly<Record<string, string>>,
  folder = root,
): Promise<string> {
  const assembly = join(emulator.home, name);
  const context = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  await run(emulator, 'npx', ['--no-install', 'cdk', 'synth', '--quiet', '--output', assembly, ...context], { folder });
  return assembly;
}

/** Prepares the account for CDK. Where no cdk.json is, no app is synthesized for it. */
export const bootstrap = (emulator: Emulator): Promise<string> =>
  run(emulator, join(root, 'node_modules/.bin/cdk'), ['bootstrap', `aws://${account}/${region}`], {
    folder: emulator.home,
  });

/** What `cdk bootstrap` made, which stays. */
export const ofBootstrap = /cdk-hnb659fds|cdk-bootstrap|CdkBootstrap|CDKToolkit/;

/** Deploys all stacks of a folder of templates, as they are. @throws CommandFailed when a stack fails */
export async function deploy(emulator: Emulator, assembly: string): Promise<Outputs> {
  const file = join(emulator.home, 'outputs.json');
  const quiet = ['--require-approval', 'never', '--progress', 'events', '--concurrency', '4'];
  await cdk(emulator, 'deploy', '--all', '--app', assembly, ...quiet, '--outputs-file', file);
  return JSON.parse(await readFile(file, 'utf8')) as Outputs;
}

/** What a command said that must be refused; nothing when it was not. */
export const refusalOf = (command: Promise<unknown>): Promise<string> =>
  command.then(
    () => '',
    (error: unknown) => {
      if (error instanceof CommandFailed) return error.output;
      throw error;
    },
  );

export const destroy = (emulator: Emulator, assembly: string): Promise<string> =>
  cdk(emulator, 'destroy', '--all', '--app', assembly, '--force');

/** Where the API of a stage is, by a path: names that end in `.localhost` are not resolved everywhere. */
export function baseUrlOf({ endpoint }: Emulator, outputs: Outputs, stage: string): string {
  const { BaseUrl = '' } = outputs[`counterfoil-${stage}-platform`] ?? {};
  const [, id] = /^https?:\/\/([a-z0-9]+)\.execute-api\./.exec(BaseUrl) ?? [];
  if (id === undefined) throw new Error(`${stage} has no BaseUrl but ${BaseUrl}`);
  return `${endpoint}/_aws/execute-api/${id}/$default`;
}

/** An output of a deployed stack. */
export async function outputOf(emulator: Emulator, stack: string, key: string): Promise<string> {
  const query = ['--query', `Stacks[0].Outputs[?OutputKey=='${key}'].OutputValue`, '--output', 'text'];
  return (await run(emulator, 'aws', ['cloudformation', 'describe-stacks', '--stack-name', stack, ...query])).trim();
}

/** Waits for a stage to say that it is well, and of this release. */
export async function healthy(baseUrl: string, release?: string): Promise<void> {
  const until = Date.now() + 120_000;
  for (;;) {
    const response = await fetch(`${baseUrl}/health`).catch(() => undefined);
    const body = (await response?.json().catch(() => undefined)) as { status?: string; version?: string } | undefined;
    if (response?.status === 200 && (release === undefined || body?.version === release)) return;
    if (Date.now() > until) throw new Error(`/health answers ${response?.status} ${JSON.stringify(body)}`);
    await sleep(500);
  }
}

/** A key with every scope, made as docs/deploy.md says. */
export async function makeKey(emulator: Emulator, outputs: Outputs, stage: string): Promise<string> {
  const { ApplicationsTable, AppKeysTable } = outputs[`counterfoil-${stage}-data`]!;
  const kind = ['--name', 'proof', '--kind', 'server', '--scopes', 'all', '--contact', 'you@example.com'];
  const tables = ['--table', ApplicationsTable!, '--keys-table', AppKeysTable!];
  const printed = await run(emulator, 'npm', ['run', '--silent', 'apps', '--', 'create', ...kind, ...tables]);
  return /cfk_[\w-]+/.exec(printed)![0];
}
