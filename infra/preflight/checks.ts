import { consumers } from '../../functions/consumers.ts';
import { isScheduled, type Job, jobs } from '../../functions/jobs.ts';
import { streams } from '../../functions/streams.ts';
import { engineVersion } from '../constructs/database.ts';
import type { Settings } from '../settings.ts';
import { addressIn } from '../settings-customers.ts';
import type { Account } from './account.ts';
import { checkBrought, secretsThere } from './brought.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** One thing that a deployment needs, and why it would fail without. */
export type Check = { name: string; run(account: Account, settings: Settings): Promise<Finding | Finding[]> };

/** The version of CDK's bootstrap stack that this CDK asks for. */
const leastBootstrap = 6;
/** What AWS keeps unreserved for all other functions of an account. */
const keptUnreserved = 100;
/** The quota of a new account. */
const usualVpcs = 5;

export const checks: readonly Check[] = [
  {
    name: 'bootstrap',
    async run(account) {
      const version = await account.bootstrapVersion();
      if (version === undefined) return fail('CDK has no bootstrap stack here. Run `npx cdk bootstrap`.');
      return version >= leastBootstrap
        ? ok(`The bootstrap stack has version ${version}.`)
        : fail(
            `The bootstrap stack has version ${version}, and ${leastBootstrap} is needed. Run \`npx cdk bootstrap\`.`,
          );
    },
  },
  {
    name: 'database',
    async run(account, { brought }) {
      if (brought.database !== undefined) return ok(`${brought.database.host} is the shop’s.`);
      const zones = await account.databaseZones(engineVersion);
      return zones.length >= 2
        ? ok(`Aurora PostgreSQL ${engineVersion} runs as Serverless v2 in ${zones.join(', ')}.`)
        : fail(
            `The region does not have Aurora PostgreSQL ${engineVersion} as Serverless v2 in two zones. Use another region.`,
          );
    },
  },
  { name: 'zones', run: checkZones },
  { name: 'brought', run: checkBrought },
  {
    name: 'network',
    async run(account, { brought, dynamodbPrefixList }) {
      const [vpcs, list] = [await account.vpcs(), await account.dynamodbPrefixList()];
      const room =
        vpcs < usualVpcs || brought.network !== undefined
          ? ok(`The account has ${vpcs} VPCs here, of ${usualVpcs} that a new one may have.`)
          : warn(`The account has ${vpcs} VPCs here. A new account may have ${usualVpcs}: see the quota L-F678F1CE.`);
      if (list === undefined)
        return [room, fail('The region has no gateway endpoint for DynamoDB. Use another region.')];
      if (dynamodbPrefixList === undefined) {
        return [room, ok(`-c dynamodbPrefixList=${list} narrows the way out of the functions to DynamoDB.`)];
      }
      return [
        room,
        dynamodbPrefixList === list
          ? ok(`${list} is DynamoDB.`)
          : fail(`DynamoDB is ${list} here, not ${dynamodbPrefixList}.`),
      ];
    },
  },
  { name: 'concurrency', run: checkConcurrency },
  { name: 'mail', run: checkMail },
  {
    name: 'payments',
    async run(account, { payments }) {
      if (payments.provider === 'simulated') return ok('Payments are simulated and need nothing.');
      return await secretsThere(account, payments.secretArn, payments.webhookSecretArn);
    },
  },
  {
    name: 'monitoring',
    async run(account, { alarmEmail, noticesSecretArn, metricsSecretArn }) {
      const secrets = [noticesSecretArn, metricsSecretArn].filter((arn) => arn !== undefined);
      const mail = alarmEmail === undefined ? [] : [ok(`Alarms go to ${alarmEmail}, once the address confirms.`)];
      const nobody =
        alarmEmail === undefined && noticesSecretArn === undefined
          ? [ok('Alarms go to nobody, and ring on the page of CloudWatch.')]
          : [];
      return [...nobody, ...mail, ...(await secretsThere(account, ...secrets))];
    },
  },
];

/** The network takes the first zones of the region unless they are named; each must have what stands in it. */
async function checkZones(account: Account, { profile, mail, brought }: Settings): Promise<Finding[]> {
  const [open, database, states, events, email] = await Promise.all([
    account.zones(),
    account.databaseZones(engineVersion),
    account.endpointZones('states'),
    account.endpointZones('events'),
    mail === undefined ? undefined : account.endpointZones('email'),
  ]);
  const lacks = (zone: string): string[] => [
    ...(brought.database !== undefined || database.includes(zone) ? [] : ['the database']),
    ...(states.includes(zone) ? [] : ['the endpoint of Step Functions']),
    ...(events.includes(zone) ? [] : ['the endpoint of EventBridge']),
    ...(email === undefined || email.includes(zone) ? [] : ['the endpoint of SES']),
  ];
  const itsOwn = (profile.zoneNames ?? open.toSorted()).slice(0, profile.zones);
  const chosen = brought.network === undefined ? itsOwn : brought.network.subnets.map(({ zone }) => zone);
  const whole = open.filter((zone) => lacks(zone).length === 0);
  const advice =
    brought.network !== undefined
      ? 'Name subnets in other zones.'
      : whole.length >= 2
        ? `Pass -c zones=${whole.slice(0, Math.max(2, profile.zones)).join(',')}.`
        : 'Use another region.';
  const missing = chosen.flatMap((zone) =>
    open.includes(zone)
      ? lacks(zone).map((what) => `${zone} lacks ${what}. ${advice}`)
      : [`The account has no zone ${zone}. ${advice}`],
  );
  if (chosen.length < 2) missing.push(`The region has fewer than two zones. ${advice}`);
  if (missing.length > 0) return missing.map(fail);
  return [
    ok(`${chosen.join(', ')} have the database and the endpoints.`),
    ok(
      'AWS does not tell which zones RDS Proxy has. If it lacks one, the deployment names it: pass -c zones= without it.',
    ),
  ];
}

async function checkConcurrency(account: Account, { profile }: Settings): Promise<Finding> {
  const { limit, unreserved } = await account.concurrency();
  const runs = `Functions may run ${limit} at once`;
  if (!profile.reservesConcurrency) {
    return limit >= keptUnreserved
      ? ok(`${runs}, and nothing of it is reserved.`)
      : warn(`${runs}: enough to try things, too few to sell. Raise the quota L-B99A9384.`);
  }
  const scheduled = Object.values<Job>(jobs).filter(isScheduled).length;
  const consuming = [...Object.values(streams), ...Object.values(consumers)];
  const reserved = scheduled + consuming.reduce((sum, { atOnce }) => sum + atOnce, 0);
  return unreserved - reserved >= keptUnreserved
    ? ok(`${runs}; ${reserved} of them are reserved for jobs and consumers.`)
    : fail(
        `${runs}, ${unreserved} unreserved. The profile reserves ${reserved} and AWS keeps ${keptUnreserved}. Pass -c reserveConcurrency=off, or raise the quota L-B99A9384.`,
      );
}

async function checkMail(account: Account, { mail }: Settings): Promise<Finding[]> {
  if (mail === undefined) return [ok('No mails are sent: there is no -c mailFrom=.')];
  const address = addressIn(mail.from);
  const domain = address.split('@')[1]!;
  const [state, own, whole] = await Promise.all([
    account.mail(),
    account.isVerified(address),
    account.isVerified(domain),
  ]);
  return [
    own === true || whole === true
      ? ok(`SES may send from ${own === true ? address : domain}.`)
      : fail(`SES may send neither from ${address} nor from ${domain}. Verify one of them in this region.`),
    ...(state.sending ? [] : [fail('SES has paused sending for this account.')]),
    state.production
      ? ok('SES sends to everybody.')
      : warn('SES is in its sandbox and sends to verified addresses alone. Request production access.'),
  ];
}
