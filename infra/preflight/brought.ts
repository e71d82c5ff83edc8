import type { Settings } from '../settings.ts';
import type { Account, FoundNetwork } from './account.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What the shop has already must be what the settings say: synthesis takes their word for it. */
export async function checkBrought(account: Account, { brought }: Settings): Promise<Finding[]> {
  const { network, database } = brought;
  const findings: Finding[] = [];
  if (network !== undefined) findings.push(...(await checkNetwork(account, network, database?.group)));
  if (database !== undefined && 'secretArn' in database.login) {
    findings.push(...(await secretsThere(account, database.login.secretArn)));
  }
  return findings.length === 0 ? [ok('The stage has a network and a database of its own.')] : findings;
}

/** Whether each of some secrets exists. */
export async function secretsThere(account: Account, ...arns: string[]): Promise<Finding[]> {
  const there = await Promise.all(arns.map((arn) => account.hasSecret(arn)));
  return arns.map((arn, index) =>
    there[index] === true ? ok(`${arn} exists.`) : fail(`${arn} does not exist in this account and region.`),
  );
}

async function checkNetwork(
  account: Account,
  { vpcId, subnets, endpointGroup }: NonNullable<Settings['brought']['network']>,
  databaseGroup: string | undefined,
): Promise<Finding[]> {
  const groups = [endpointGroup, databaseGroup].filter((group) => group !== undefined);
  const found = await account.network(vpcId);
  if (found === undefined) return [fail(`${vpcId} does not exist in this account and region.`)];
  const wrong = [
    ...(found.dns
      ? []
      : [fail(`${vpcId} needs enableDnsSupport and enableDnsHostnames: endpoints are found by their names.`)]),
    ...subnets.flatMap(({ id, zone, routeTable }) => [
      ...wrongSubnet(found, vpcId, id, zone),
      ...wrongRoutes(found, vpcId, routeTable),
    ]),
    ...groups
      .filter((group) => !found.groups.includes(group))
      .map((group) => fail(`${group} is no security group of ${vpcId}.`)),
  ];
  return wrong.length > 0 ? wrong : [ok(`${vpcId} has the subnets, route tables and groups that were named.`)];
}

function wrongSubnet(found: FoundNetwork, vpcId: string, id: string, zone: string): Finding[] {
  const itsZone = found.subnets[id];
  if (itsZone === undefined) return [fail(`${id} is no subnet of ${vpcId}.`)];
  return itsZone === zone ? [] : [fail(`${id} is in ${itsZone}, not in ${zone}.`)];
}

function wrongRoutes(found: FoundNetwork, vpcId: string, id: string): Finding[] {
  const leadsOut = found.routeTables[id];
  if (leadsOut === undefined) return [fail(`${id} is no route table of ${vpcId}.`)];
  return leadsOut ? [warn(`${id} leads out of ${vpcId}. Functions with the database should have no way out.`)] : [];
}
