import type { Emulator } from './emulator.ts';
import { paste } from './guide.ts';
import { held, ofEmptying } from './held.ts';
import { makeProject } from './project.ts';
import { baseUrlOf, healthy, ofBootstrap, outputOf } from './stages.ts';

/** The commands of docs/deploy.md for a stage to try things on, from its first deployment to its end. */
export async function pageOfDev(emulator: Emulator, say: (line: string) => void): Promise<void> {
  const before = new Set(await held(emulator));
  await emulator.addDatabase('dev');
  const folder = await makeProject(emulator);
  const type = (name: string, how: Parameters<typeof paste>[3] = {}) =>
    paste(emulator, 'docs/deploy.md', name, { folder, ...how });
  await type('npx cdk bootstrap');
  const asked = await type('npx cdk deploy --all -c profile=dev', { confirm: true });
  if (!/Do you wish to deploy these changes/.test(asked)) throw new Error('the deployment asked nobody about rights');
  const BaseUrl = await outputOf(emulator, 'counterfoil-dev-platform', 'BaseUrl');
  const baseUrl = baseUrlOf(emulator, { 'counterfoil-dev-platform': { BaseUrl } }, 'dev');
  await healthy(baseUrl);
  say('a stage was deployed, with a yes to what it asked');
  expect(await type('npx cdk diff'), /Number of stacks with differences: 0/);
  const unchanged = await type('npx cdk deploy --all -c profile=dev --concurrency 4 --require-approval never');
  if (/UPDATE_COMPLETE/.test(unchanged)) throw new Error('the same deployment changed something');
  const application = await type('first application');
  const [key = ''] = /cfk_[\w-]+/.exec(application) ?? [];
  const orders = await fetch(`${baseUrl}/orders`, { headers: { authorization: `Bearer ${key}` } });
  if (orders.status !== 200) throw new Error(`the first application may not read orders: ${orders.status}`);
  say('the first application reads orders');

  const stage = { '<stage>': 'dev' };
  const migrate = 'aws lambda invoke --function-name counterfoil-<stage>-jobs-migrate /dev/stdout';
  expect(await type(migrate, { filled: stage }), /"StatusCode": 200/, /^(?![\s\S]*FunctionError)/);
  expect(
    await type(
      "aws logs filter-log-events --log-group-name /counterfoil/dev/jobs/migrate --query 'events[].message' --output text",
    ),
    /0001_/,
  );
  const variables = emulator.databaseOf('dev');
  expect(await type('npm run migrate -- status', { variables }), /^applied {2}0001_/m, /^(?![\s\S]*^pending)/m);
  say('the migrations were run by hand, and their log and their state read');

  const deployed = { '…': '-c profile=dev --require-approval never' };
  const metrics = await type('metrics', { filled: deployed, variables: { API: BaseUrl } });
  expect(metrics, /^# TYPE counterfoil_\w+ /m);
  await healthy(baseUrl);
  const strangers = await fetch(`${baseUrl}/metrics`);
  if (strangers.status !== 401) throw new Error(`metrics without a token: ${strangers.status}`);
  say('whoever has the token reads the metrics');

  expect(await type('npm run cost -- --profile small --orders-per-day 20'), /month/);
  expect(await type('npm run cost -- --prometheus 5'), /Prometheus/i);
  expect(await type('npm run migrate -- down', { variables }), /^reverted \d{4}_/m);
  expect(await type('npx cdk destroy --all -c profile=dev', { confirm: true }), /\(y\/n\)/);
  const left = (await held(emulator)).filter(
    (name) => !before.has(name) && !ofBootstrap.test(name) && !ofEmptying.test(name) && !ofPerson.test(name),
  );
  if (left.length > 0) throw new Error(`it was destroyed and left ${left.join(', ')}`);
  say('a migration was reverted, and the stage destroyed with a yes to the question');
}

/** What a person made by hand, and deletes so. */
const ofPerson = /^secretsmanager counterfoil-metrics$/;

/** @throws Error when what was said does not match */
export function expect(said: string, ...patterns: RegExp[]): void {
  const missing = patterns.find((pattern) => !pattern.test(said));
  if (missing !== undefined) throw new Error(`${missing} does not match ${said.slice(-2000)}`);
}
