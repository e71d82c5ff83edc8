import { tunable } from '../settings.ts';
import { code, markdownTable } from './table.ts';

/**
 * What happens when a setting is changed on a stage that is there. `kept` names the choice that has CloudFormation refuse it before
 * anything changes (`infra/constructs/fixed-choices.ts`); the others may change in both directions.
 */
type Later = { settings: readonly string[]; kept?: string; effect: string };

const another = 'deploy another stage (`-c stage=…`) and move the data by `npm run data`';

/** Every setting of a deployment. `test/infra/settings-later.test.ts` tries each. */
export const later: readonly Later[] = [
  { settings: ['profile'], kept: 'Profile', effect: another },
  { settings: ['stage'], effect: 'another stage is deployed beside this one, which stays' },
  { settings: ['vpcId'], kept: 'Network', effect: another },
  { settings: ['zones'], kept: 'Zones', effect: another },
  { settings: ['databaseHost', 'databaseName'], kept: 'Database', effect: another },
  {
    settings: ['databaseResource', 'databaseSecretArn'],
    kept: 'Database',
    effect: `a value of the same kind may change. From passwords to IAM, or back: ${another}`,
  },
  {
    settings: ['identityDomain'],
    kept: 'LoginPage',
    effect: 'a user pool has one login page: delete the old one first, [as below](#another-login-page)',
  },
  {
    settings: ['identityIssuer'],
    effect:
      'the user pool keeps its customers, but has no client and no login page while there is another issuer; its clients have new ids afterwards',
  },
  {
    settings: ['identityCallbacks'],
    effect: 'changes. A kind of client without an address is deleted, and has a new id when it returns',
  },
  {
    settings: ['paymentProvider', 'stripeSecretArn', 'stripeWebhookSecretArn'],
    effect: 'changes. The new provider knows nothing of what the old one charged: let refunds and captures end first',
  },
  {
    settings: ['warehouse'],
    effect:
      'its bucket and tables are there with any settings. `off` stops loads, and reports read the database alone; `on` goes on where they ended',
  },
  { settings: ['readers'], effect: 'changes. While the last one goes, reports fail for some minutes' },
  { settings: ['databaseReader'], effect: 'changes' },
  { settings: ['databaseCapacity', 'backupDays'], effect: 'changes, without a failover' },
  {
    settings: ['databaseGroup', 'databasePort', 'vpcSubnets', 'vpcEndpointGroup'],
    effect: 'changes; functions move to it one after the other',
  },
  { settings: ['dynamodbPrefixList', 's3PrefixList'], effect: 'the rule of the functions’ group is replaced' },
  {
    settings: ['eventBus'],
    effect: 'changes. Rules move, and an archive starts over; what the shop has on the old bus hears nothing more',
  },
  {
    settings: ['domainName', 'certificateArn', 'catalogDomainName', 'catalogCertificateArn'],
    effect: 'changes. The name must be an alias of the new target; the address of AWS keeps working',
  },
  { settings: ['catalogMaxAge'], effect: 'changes in some minutes. Without it the CDN is deleted, with its address' },
  {
    settings: ['alarmEmail', 'noticesSecretArn', 'metricsSecretArn'],
    effect: 'changes. A new address must be confirmed',
  },
  {
    settings: ['mailFrom', 'orderMails', 'confirmEmail', 'accountPages'],
    effect: 'changes. Mails that are not sent yet have the new sender',
  },
  { settings: ['rateLimit', 'burstLimit', 'rateClasses', 'reserveConcurrency'], effect: 'changes' },
  { settings: ['canary'], effect: 'changes' },
  { settings: ['traces', 'sqlComments', 'preparedStatements', 'cache', 'authorizationExpiry'], effect: 'changes' },
  {
    settings: ['captureAt', 'tax', 'shippingMethod', 'orderNumberPrefix'],
    effect: 'changes, for orders that are placed from then on',
  },
  {
    settings: ['backupLock'],
    effect: 'to `compliance`, once. Three days later AWS refuses to take it off: nobody can',
  },
  { settings: ['backupCopyVault'], effect: 'changes. Copies that are there stay' },
  { settings: ['release', 'approveDataLoss', 'newerSettings'], effect: 'are of one deployment' },
  { settings: tunable, effect: 'changes' },
];

/** What happens when a setting is changed later, those first that CloudFormation refuses to change. */
export const laterTable = (): string =>
  markdownTable(
    ['setting', 'when it is changed later'],
    later.map(({ settings, kept, effect }) => [
      settings.map(code).join(', '),
      kept === undefined ? effect : `**refused** before anything changes: ${effect}`,
    ]),
  );
