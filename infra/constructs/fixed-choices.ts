import { CfnOutput, CfnParameter, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { BroughtDatabase } from '../settings-brought.ts';

/**
 * Has CloudFormation refuse, before it changes anything, what a stage cannot change once it is there. Each choice is a parameter that
 * allows one value, the one of the settings. A first deployment takes it as the default; later ones of CDK keep the value that the stack
 * has, which other settings do not allow.
 */
export function fixChoices(scope: Construct, settings: Settings): void {
  const chosen = Object.entries(choicesOf(settings)).map(([name, { value, what, instead, any }]) => {
    const parameter = new CfnParameter(scope, `First${name}`, {
      description: `What the stage was first deployed with: ${what}`,
      default: value,
      ...(any === true
        ? {}
        : {
            allowedValues: [value],
            constraintDescription: `${value}: ${what} stays as it was first deployed. ${instead ?? anotherStage} (docs/deploy.md)`,
          }),
    });
    return `${name}=${parameter.valueAsString}`;
  });
  new CfnOutput(scope, 'FirstChoices', { value: Fn.join(' ', chosen) });
}

const anotherStage = 'Deploy another stage and move the data';

/** `any` takes what a deployed stage had, whatever it was. */
type Choice = { value: string; what: string; instead?: string; any?: true };

/** What database and functions stand in, what data lie under, and what Cognito has one of. */
const choicesOf = ({ profile, brought, identity }: Settings): Record<string, Choice> => ({
  Profile: { value: profile.name, what: 'the profile' },
  Network: { value: brought.network?.vpcId ?? 'of the stage', what: 'the network' },
  Zones: {
    value: profile.zoneNames?.slice(0, profile.zones).join(' ') ?? `the first ${profile.zones}`,
    what: 'the zones of its network',
  },
  Database: {
    value: brought.database === undefined ? 'of the stage' : nameOf(brought.database),
    what: 'the database and how roles log in to it',
  },
  Key: { value: profile.ownKey ? 'of the stage' : 'of AWS', what: 'the key of its database' },
  // CloudFormation makes the new login page before it deletes the old one, and a user pool has one.
  LoginPage: {
    value: ('domain' in identity && identity.domain) || 'named after the stage',
    what: 'the name of the login page',
    instead: 'Delete the old one, and deploy with --parameters',
    ...('issuer' in identity ? { any: true } : {}),
  },
});

const nameOf = ({ host, name, login }: BroughtDatabase): string =>
  `${name} at ${host} by ${'secretArn' in login ? 'passwords' : 'IAM'}`;
