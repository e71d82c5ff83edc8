import { fullSecretArn, type Given, SettingError } from './given.ts';
import type { Profile } from './profiles.ts';

/** A subnet of the shop's own network. */
export type BroughtSubnet = { id: string; zone: string; routeTable: string };

/** A name under a domain of the shop, and the certificate that has it. */
export type Domain = { name: string; certificateArn: string };

/** A database of the shop's own: Amazon RDS or Aurora, or an RDS Proxy before it. */
export type BroughtDatabase = {
  host: string;
  port: number;
  /** The host of its readers, at the same port. */
  reader?: string;
  /** What the stage's database in it is called. */
  name: string;
  /** The security group that it is in. */
  group: string;
  /** How roles log in: by IAM, to what `rds-db:connect` names; or by passwords that a role sets whose secret this is. */
  login: { resource: string } | { secretArn: string };
};

/** What the shop has already, and the stage uses instead of its own. */
export type Brought = {
  /** The name of the API under a domain of the shop, and its certificate in the same region. */
  domain?: Domain;
  /** The name of the CDN of the catalogue under a domain of the shop, and its certificate in us-east-1. */
  catalogDomain?: Domain;
  /** The name of a bus of EventBridge in the same account and region. */
  eventBus?: string;
  /** A database in that network, which the stage makes its own database and roles in. */
  database?: BroughtDatabase;
  /** A network with subnets in at least two zones, and the security group of its interface endpoints where it has them. */
  network?: { vpcId: string; subnets: BroughtSubnet[]; endpointGroup?: string };
};

/** RFC 1035, section 2.3.4: 63 characters between two dots, and 253 as text. */
const hostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;
/** Of PostgreSQL, of the stage's own database, and of every RDS Proxy. */
export const defaultPort = 5432;

const securityGroup = /^sg-[0-9a-f]{8,17}$/;

/** @throws SettingError */
export function broughtOf(given: Given, profile: Profile): Brought {
  const network = networkOf(given, profile);
  const database = databaseIn(given, network);
  const domain = domainOf(given, 'domainName', 'certificateArn');
  const catalogDomain = catalogDomainOf(given);
  const eventBus = given.matching('eventBus', /^(?!aws\.)[\w./-]{1,256}$/, 'is not the name of a bus');
  if (eventBus === 'default')
    throw new SettingError('eventBus default has the events of AWS itself: make a bus for the domain events');
  return {
    ...(domain === undefined ? {} : { domain }),
    ...(catalogDomain === undefined ? {} : { catalogDomain }),
    ...(database === undefined ? {} : { database }),
    ...(eventBus === undefined ? {} : { eventBus }),
    ...(network === undefined ? {} : { network }),
  };
}

function domainOf(given: Given, nameSetting: string, certificateSetting: string): Domain | undefined {
  const name = given.matching(nameSetting, hostName, 'is not the name of a host');
  const certificateArn = given.matching(
    certificateSetting,
    /^arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
    'is not the ARN of a certificate',
  );
  if (name === undefined && certificateArn === undefined) return undefined;
  if (name !== undefined && certificateArn !== undefined) return { name, certificateArn };
  throw new SettingError(`a domain takes both: -c ${nameSetting}=api.shop.example -c ${certificateSetting}=arn:…`);
}

function catalogDomainOf(given: Given): Domain | undefined {
  const domain = domainOf(given, 'catalogDomainName', 'catalogCertificateArn');
  if (domain === undefined) return undefined;
  if (given.text('catalogMaxAge') === undefined)
    throw new SettingError('catalogDomainName is the name of a CDN: pass -c catalogMaxAge= too, or leave it out');
  if (!domain.certificateArn.includes(':acm:us-east-1:'))
    throw new SettingError('CloudFront takes certificates of us-east-1 alone: request catalogCertificateArn there');
  if (domain.name === given.text('domainName'))
    throw new SettingError('catalogDomainName is that of the API: give the CDN a name of its own');
  return domain;
}

function databaseIn(given: Given, network: Brought['network']): BroughtDatabase | undefined {
  const named = (setting: string) => given.matching(setting, hostName, 'is not the name of a host');
  const [host, reader] = [named('databaseHost'), named('databaseReader')];
  const group = given.matching('databaseGroup', securityGroup, 'is not the id of a security group');
  const resource = given.matching(
    'databaseResource',
    /^(cluster|db|prx)-[A-Za-z0-9]{8,40}$/,
    'is not the resource id of a cluster, an instance or a proxy',
  );
  const secretArn = given.matching('databaseSecretArn', fullSecretArn, 'is not the full ARN of a secret');
  const name = given.matching('databaseName', /^[a-z][a-z0-9_]{0,62}$/, 'is not the name of a database');
  if (['postgres', 'template0', 'template1', 'rdsadmin'].includes(name ?? ''))
    throw new SettingError(`databaseName ${name} is not the stage’s to make: choose another name`);
  const port = given.count('databasePort', defaultPort);
  if (port > 65_535) throw new SettingError('databasePort is a port, at most 65535');
  if (host === undefined) {
    if (
      given.text('databasePort') === undefined &&
      [reader, group, resource, secretArn, name].every((each) => each === undefined)
    )
      return undefined;
    throw new SettingError('databaseReader, databaseGroup, … are of a database of yours: pass -c databaseHost= too');
  }
  if (network === undefined || group === undefined)
    throw new SettingError(
      'databaseHost is reached in its own network: pass -c vpcId=vpc-… with its subnets, and -c databaseGroup=sg-…',
    );
  if ((resource === undefined) === (secretArn === undefined))
    throw new SettingError(
      'databaseHost takes one of two: -c databaseResource=cluster-… where roles log in by IAM, or -c databaseSecretArn=arn:… where they have passwords',
    );
  const its = ['databaseCapacity', 'readers', 'backupDays'].find((setting) => given.text(setting) !== undefined);
  if (its !== undefined)
    throw new SettingError(`${its} is for a database of the stage: set it at databaseHost instead`);
  if (resource?.startsWith('prx-') && port !== defaultPort)
    throw new SettingError(`an RDS Proxy listens on ${defaultPort}: leave out databasePort`);
  return {
    host,
    port,
    name: name ?? 'counterfoil',
    group,
    login: resource === undefined ? { secretArn: secretArn! } : { resource },
    ...(reader === undefined ? {} : { reader }),
  };
}

function networkOf(given: Given, profile: Profile): Brought['network'] {
  const vpcId = given.matching('vpcId', /^vpc-[0-9a-f]{8,17}$/, 'is not the id of a network');
  const [listed, zones] = [given.text('vpcSubnets'), given.text('zones')];
  const endpointGroup = given.matching('vpcEndpointGroup', securityGroup, 'is not the id of a security group');
  if (vpcId === undefined) {
    if (listed === undefined && endpointGroup === undefined) return undefined;
    throw new SettingError('vpcSubnets and vpcEndpointGroup are of a network of yours: pass -c vpcId=vpc-… too');
  }
  if (zones !== undefined) throw new SettingError('zones are those of vpcSubnets: leave out zones');
  const subnets = (listed ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [subnetIn(part.trim())]));
  const twice = subnets.find(({ id }, index) => subnets.findIndex((other) => other.id === id) !== index);
  if (new Set(subnets.map(({ zone }) => zone)).size < 2)
    throw new SettingError(
      `vpcId needs isolated subnets in at least two zones: -c vpcSubnets=subnet-…:eu-west-1a:rtb-…,subnet-…:eu-west-1b:rtb-…`,
    );
  if (twice !== undefined) throw new SettingError(`vpcSubnets names ${twice.id} twice, and a subnet is in one zone`);
  if (endpointGroup === undefined && new Set(subnets.map(({ zone }) => zone)).size < profile.endpointZones)
    throw new SettingError(
      `profile ${profile.name} has endpoints in ${profile.endpointZones} zones: name a subnet in each`,
    );
  return { vpcId, subnets, ...(endpointGroup === undefined ? {} : { endpointGroup }) };
}

function subnetIn(text: string): BroughtSubnet {
  const [, id, zone, routeTable] =
    /^(subnet-[0-9a-f]{8,17}):([a-z]{2}(?:-[a-z]+)+-\d[a-z]):(rtb-[0-9a-f]{8,17})$/.exec(text) ?? [];
  if (id === undefined) throw new SettingError(`vpcSubnets has "${text}", which is not subnet-…:zone:rtb-…`);
  return { id, zone: zone!, routeTable: routeTable! };
}
