import { CfnOutput, CfnParameter, Fn } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

/**
 * Has CloudFormation refuse, before it changes anything, what a stage cannot change once it is there. Each choice is a parameter that
 * allows one value, the one of the settings. A first deployment takes it as the default; later ones of CDK keep the value that the stack
 * has, which other settings do not allow.
 */
export function fixChoices(scope: Construct, settings: Settings): void {
  const chosen = Object.entries(choicesOf(settings)).map(([name, { value, what, orElse }]) => {
    const parameter = new CfnParameter(scope, `First${name}`, {
      description: `What the stage was first deployed with: ${what}`,
      default: value,
      allowedValues: [value, ...(orElse ?? [])],
      constraintDescription: `${value}: ${what} stays as it was first deployed. Deploy another stage and move the data (docs/deploy.md)`,
    });
    return `${name}=${parameter.valueAsString}`;
  });
  new CfnOutput(scope, 'FirstChoices', { value: Fn.join(' ', chosen) });
}

/** `orElse` has values that a deployed stage may have had as well. */
type Choice = { value: string; what: string; orElse?: string[] };

/** What database and functions stand in, and what data lie under. */
const choicesOf = ({ profile, brought }: Settings): Record<string, Choice> => ({
  Network: { value: brought.network?.vpcId ?? 'of the stage', what: 'the network' },
  Zones: {
    value: profile.zoneNames?.slice(0, profile.zones).join(' ') ?? `the first ${profile.zones}`,
    what: 'the zones of its network',
  },
  Database: { value: brought.database?.host ?? 'of the stage', what: 'the database' },
  // What a stage keeps of a warehouse has names, so it could not come again.
  Warehouse: {
    value: profile.warehouse ? 'on' : 'off',
    what: 'the warehouse',
    ...(profile.warehouse || !profile.keeps ? { orElse: [profile.warehouse ? 'off' : 'on'] } : {}),
  },
  Key: { value: profile.ownKey ? 'of the stage' : 'of AWS', what: 'the key of its database' },
});
