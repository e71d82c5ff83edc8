import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pascal } from '../../infra/constructs/names.ts';
import { tables } from '../../lib/contract/deploy/tables.ts';
import type { Emulator } from './emulator.ts';
import { paste } from './guide.ts';
import { held } from './held.ts';
import { liveVersion } from './night.ts';
import type { Page } from './page.ts';
import { expect } from './page-dev.ts';
import { commit, git, makeProject } from './project.ts';
import { baseUrlOf, healthy, outputOf, refusalOf } from './stages.ts';

/**
 * The commands of docs/deploy.md and docs/releases.md for a stage that sells: the account is prepared, a release is made and deployed,
 * the next one goes back by one command and by hand, and out all at once.
 */
export async function pageOfProd(emulator: Emulator, say: (line: string) => void): Promise<void> {
  await emulator.addDatabase('prod');
  const folder = await makeProject(emulator);
  const type =
    (page: Page) =>
    (name: string, how: Parameters<typeof paste>[3] = {}) =>
      paste(emulator, page, name, { folder, ...how });
  const [deploying, releasing] = [type('docs/deploy.md'), type('docs/releases.md')];

  const version = async (number: string) => {
    const command = 'npm version --no-git-tag-version X.Y.Z && npm run docs';
    await releasing(command, { filled: { 'X.Y.Z': number } });
    await commit(emulator, folder, `Release ${number}`);
  };
  await version('1.2.3');
  for (const record of ['npm run lint:api -- --record', 'npm run record:lasting', 'npm run record:properties'])
    await releasing(record);
  expect(await readFile(join(folder, 'infra/api-diff/released.json'), 'utf8'), /"1\.2\.3"/);
  await commit(emulator, folder, 'Recorded');
  await git(emulator, folder, 'tag', 'v1.2.3');
  say('a release was made');

  const policies = { '…': 'arn:aws:iam::aws:policy/AdministratorAccess' };
  await releasing('npx cdk bootstrap --cloudformation-execution-policies …', { filled: policies });
  const typed = await deploying('stripe secrets', {
    input: 'sk_test_made_up\nwhsec_madeUp\n',
    after: 'echo "ARNS $STRIPE $WEBHOOK"',
  });
  const [, STRIPE = '', WEBHOOK = ''] = /^ARNS (arn:\S+) (arn:\S+)$/m.exec(typed) ?? [];
  const settings = {
    paymentProvider: 'stripe',
    stripeSecretArn: STRIPE,
    stripeWebhookSecretArn: WEBHOOK,
    alarmEmail: 'duty@example.com',
    mailFrom: 'The Shop <shop@example.com>',
    accountPages: 'https://shop.example.com/account',
  };
  const context = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  const prod = ['-c profile=prod', ...context].join(' ');
  const preflight = { filled: { '…': context.join(' ') } };
  const unready = await refusalOf(deploying('npm run preflight -- -c profile=prod …', preflight));
  expect(unready, /✗ mail: SES may send neither from shop@example\.com/, /Not ready: 1 to put right\./);
  await deploying('aws sesv2 create-email-identity --email-identity shop@example.com');
  expect(await deploying('npm run preflight -- -c profile=prod …', preflight), /Ready to deploy\./);
  say('preflight named what was missing, and then nothing');

  await releasing('.ci/diff COMMIT', { filled: { COMMIT: 'v1.2.3' } });
  expect(await readFile(join(folder, 'cdk.out/diff.md'), 'utf8'), /prod/);
  const folders = { BEFORE: 'cdk.out/dev', AFTER: 'cdk.out/prod' };
  expect(await releasing('npm run diff -- BEFORE AFTER', { filled: folders }), /counterfoil-prod-data/);
  await releasing(
    "npx cdk deploy --app 'sh infra/node24.sh node infra/pipeline.ts' -c repository=OWNER/NAME -c stage=staging",
    { confirm: true },
  );
  expect(await outputOf(emulator, 'counterfoil-staging-pipeline', 'ReleaseRole'), /:role\/counterfoil-staging-/);
  say('what a change does to the stacks was shown, and the roles of the pipeline made');

  await deploying('prod', { variables: { STRIPE, WEBHOOK }, confirm: true });
  const BaseUrl = await outputOf(emulator, 'counterfoil-prod-platform', 'BaseUrl');
  const baseUrl = baseUrlOf(emulator, { 'counterfoil-prod-platform': { BaseUrl } }, 'prod');
  await healthy(baseUrl, '1.2.3');
  say('prod was deployed');
  const orders = join(folder, 'functions/http/place-order.ts');
  await writeFile(orders, `globalThis.planted = true;\n${await readFile(orders, 'utf8')}`);
  await version('1.2.4');
  const others = context.filter((setting) => !setting.includes('paymentProvider')).join(' ');
  // On a machine that is busy, the few requests so far may have been late.
  const despite = { COUNTERFOIL_DESPITE_BUDGET: 'a rehearsal' };
  const release = { filled: { '…': others }, variables: despite };
  const parts = await moved(emulator, () => releasing('a release in parts', release));
  expect(
    parts,
    /=== prod: preflight/,
    /reads-availability: (-?\d+ % of the error budget|\d+ of \d+ requests missed it)/,
    /=== prod: prove/,
  );
  await healthy(baseUrl, '1.2.4');
  say('the next release went out in parts');
  const variables = { COUNTERFOIL_SETTINGS: JSON.stringify(settings) };
  await moved(emulator, () => releasing('npm run release -- --stage prod --to v1.2.3', { variables }));
  await healthy(baseUrl, '1.2.3');
  await expectHead(emulator, folder, 'Release 1.2.4');
  say('one command brought the release before back');

  const all = { filled: { '…': prod }, confirm: true };
  await moved(emulator, () => deploying('npx cdk deploy --all -c canary=off …', all));
  await healthy(baseUrl, '1.2.4');
  await moved(emulator, () => deploying('git switch --detach v1.2.3 && npm ci && npx cdk deploy --all …', all));
  await healthy(baseUrl, '1.2.3');
  say('it went out all at once, and back by hand');

  const kept = (await held(emulator)).filter((name) => lasts.test(name));
  // On AWS it ends at the network of the cluster that stays.
  await deploying('the end of prod', all);
  const left = await held(emulator);
  const gone = kept.filter((name) => !left.includes(name));
  if (gone.length > 0) throw new Error(`prod was destroyed, and ${gone.join(', ')} with it`);
  const kinds = new Set(kept.map((name) => name.split(' ')[0]));
  if (kinds.size < 4) throw new Error(`of prod stayed nothing but ${[...kinds].join(', ')}`);
  const functions = left.filter((name) => /^lambda counterfoil-prod-/.test(name));
  if (functions.length > 0) throw new Error(`prod was destroyed, and ${functions.join(', ')} stayed`);
  say('prod was destroyed by its commands, and its data stayed');
}

const keptTables = Object.entries(tables).flatMap(([name, { recoverable }]) => (recoverable ? pascal(name) : []));

/** What stays, as docs/deploy.md says. An instance goes, and its cluster has the data. */
const lasts = new RegExp(
  [
    `^dynamodb counterfoil-prod-data-Tables(${keptTables.join('|')})[0-9A-F]{8}-`,
    '^rds counterfoil-prod$',
    '^cognito-idp counterfoil-prod',
    '^logs /counterfoil/prod/',
  ].join('|'),
);

/** @throws Error when orders are placed by the same version after a deployment as before it */
async function moved(emulator: Emulator, deployment: () => Promise<string>): Promise<string> {
  const before = await liveVersion(emulator);
  const said = await deployment();
  if ((await liveVersion(emulator)) === before) throw new Error('the alias of orders did not move');
  return said;
}

async function expectHead(emulator: Emulator, folder: string, subject: string): Promise<void> {
  expect(await git(emulator, folder, 'log', '--max-count', '1', '--format=%s'), new RegExp(`^${subject}$`, 'm'));
}
