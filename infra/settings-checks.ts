import { wrongVariables } from '../lib/platform/config.ts';
import { type Given, SettingError } from './given.ts';
import type { Profile } from './profiles.ts';
import type { IdentitySettings } from './settings-customers.ts';

/** Settings of which some may not be together. */
type Settings = {
  profile: Profile;
  identity: IdentitySettings;
  alarmEmail?: string;
  noticesSecretArn?: string;
  variables: Readonly<Record<string, string>>;
};

/** What settings may not be together, and would be found out by a deployment, or by the shop's customers. @throws SettingError */
export function checkTogether(given: Given, settings: Settings): void {
  checkRegion(given);
  checkAlarms(settings);
  checkLoginPage(settings);
  const [wrong] = wrongVariables(settings.variables);
  if (wrong !== undefined) throw new SettingError(`no function would start: ${wrong}`);
}

/** Settings that name something by its ARN, which all is where the stage is. The certificate of the CDN is not. */
const byArn = [
  'stripeSecretArn',
  'stripeWebhookSecretArn',
  'noticesSecretArn',
  'metricsSecretArn',
  'databaseSecretArn',
  'certificateArn',
];

/** A function finds no secret, and an API no certificate, of another region. */
function checkRegion(given: Given): void {
  const zones = ['zones', 'vpcSubnets'].flatMap((name) =>
    [...(given.text(name) ?? '').matchAll(/[a-z]{2}(?:-[a-z]+)+-\d(?=[a-z]\b)/g)].map(([region]) => ({ name, region })),
  );
  const arns = byArn.flatMap((name) => {
    const region = given.text(name)?.split(':')[3];
    return region === undefined ? [] : [{ name, region }];
  });
  const [first, ...others] = [...zones, ...arns];
  const other = others.find(({ region }) => region !== first!.region);
  if (other !== undefined)
    throw new SettingError(
      `a stage is in one region: ${first!.name} is in ${first!.region}, and ${other.name} in ${other.region}`,
    );
}

function checkAlarms({ profile, alarmEmail, noticesSecretArn }: Settings): void {
  if (profile.keeps && alarmEmail === undefined && noticesSecretArn === undefined)
    throw new SettingError(
      `profile ${profile.name} sells, and alarms nobody: pass -c alarmEmail=duty@example.com or -c noticesSecretArn=arn:…`,
    );
}

/** https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html */
function checkLoginPage({ profile, identity }: Settings): void {
  if ('issuer' in identity) return;
  const name = identity.domain ?? profile.stage;
  if (/aws|amazon|cognito/.test(name))
    throw new SettingError(
      `the name of a login page, here "${name}", may not have "aws", "amazon" or "cognito" in it: pass another -c identityDomain=`,
    );
}
