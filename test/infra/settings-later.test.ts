import { CfnResource, Stack } from 'aws-cdk-lib';
import type { Node } from 'constructs';
import { expect, test } from 'vitest';
import { fixChoices } from '../../infra/constructs/fixed-choices.ts';
import { later } from '../../infra/docs/later.ts';
import { readSettings } from '../../infra/settings.ts';
import { withThrowawayApp } from '../../infra/throwaway-app.ts';
import { settingsOf } from './settings-table.ts';
import { contextOf, stripeSecret } from './synthesized.ts';

const subnets = ['a', 'b'].map((zone, n) => `subnet-0000000${n}:eu-west-1${zone}:rtb-0000000${n}`).join();
const network = { vpcId: 'vpc-0123456789abcdef0', vpcSubnets: subnets };
const database = {
  ...network,
  databaseHost: 'shop.abc.eu-west-1.rds.amazonaws.com',
  databaseGroup: 'sg-0123456789abcdef1',
  databaseResource: 'cluster-ABCDEFGHIJ0123456789',
};
const { databaseResource, ...byPasswords } = { ...database, databaseSecretArn: stripeSecret };

/** A stage as it was first deployed, and with another value of a setting that is kept. */
const kept: Record<string, [Record<string, string>, Record<string, string>]> = {
  profile: [{ stage: 'tea' }, { stage: 'tea', profile: 'staging' }],
  vpcId: [{}, network],
  zones: [{}, { zones: 'eu-west-1b,eu-west-1c' }],
  databaseHost: [network, database],
  databaseName: [database, { ...database, databaseName: 'tea' }],
  databaseResource: [byPasswords, database],
  databaseSecretArn: [database, byPasswords],
  identityDomain: [{}, { identityDomain: 'tea-shop' }],
};

type Parameter = { Default: string; AllowedValues?: string[]; ConstraintDescription?: string };
const choicesOf = ({ profile = 'dev', ...context }: Record<string, string>): Record<string, Parameter> =>
  withThrowawayApp({ context: { ...contextOf(profile as 'dev'), ...context } }, (app) => {
    const stack = new Stack(app, 'stage');
    new CfnResource(stack, 'Something', { type: 'AWS::SNS::Topic' });
    fixChoices(stack, readSettings(app.node));
    return app.synth().getStackByName('stage').template.Parameters;
  });

/** Every name that `readSettings` asks for. */
function asked(): Set<string> {
  const names = new Set<string>();
  for (const context of [{}, { paymentProvider: 'stripe', stripeSecretArn: stripeSecret }] as Record<
    string,
    string
  >[]) {
    const node = {
      tryGetContext(name: string) {
        names.add(name);
        return context[name];
      },
    };
    try {
      readSettings(node as Node);
    } catch {
      // It has asked for what is missing.
    }
  }
  return names;
}

test('docs/deploy.md says of every setting what happens when it is changed later', () => {
  const said = later.flatMap(({ settings }) => settings);
  expect(said.toSorted()).toEqual([...new Set(said)].toSorted());
  expect([...asked()].filter((name) => name !== 'settings').toSorted()).toEqual(said.toSorted());
});

test('a setting that is kept is refused by CloudFormation, with what to do instead', () => {
  const names = later.flatMap(({ settings, kept }) => (kept === undefined ? [] : settings.map((name) => [name, kept])));
  expect(names.map(([name]) => name).toSorted()).toEqual(Object.keys(kept).toSorted());
  for (const [name, choice] of names as [string, string][]) {
    const [before, after] = kept[name]!.map((context) => choicesOf(context)[`First${choice}`]!);
    expect(after!.AllowedValues, name).not.toContain(before!.Default);
    expect(after!.ConstraintDescription, name).toMatch(
      /stays as it was first deployed\. (Deploy another stage|Delete the old)/,
    );
  }
  expect(choicesOf({ identityIssuer: 'https://login.example.com' }).FirstLoginPage).not.toHaveProperty('AllowedValues');
});

test('a setting that may change leaves all that is kept, and the emulator changes it', () => {
  const changes = new Set(Object.values(settingsOf).flatMap((rows) => Object.values(rows).flatMap(Object.keys)));
  // Of a database or a network of the shop, which the emulator has not; the others are tried by `back` and `first-order`.
  const elsewhere =
    /^(database(Reader|Group|Port)|vpc(Subnets|EndpointGroup)|stage|release|approveDataLoss|newerSettings|[A-Z_]+)$/;
  for (const name of later.flatMap(({ settings, kept }) => (kept === undefined ? settings : [])))
    if (!elsewhere.test(name)) expect(changes, name).toContain(name);
  for (const [profile, rows] of Object.entries(settingsOf)) {
    const [first, ...rest] = Object.values(rows).map((context) => choicesOf({ profile, ...context }));
    for (const other of rest)
      for (const [choice, { AllowedValues }] of Object.entries(other))
        expect(AllowedValues ?? [first![choice]!.Default], `${profile} ${choice}`).toContain(first![choice]!.Default);
  }
});
