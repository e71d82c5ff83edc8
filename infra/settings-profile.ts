import { type Given, SettingError } from './given.ts';
import { type Profile, profiles } from './profiles.ts';

/**
 * The profile of a stage, with what the settings change of it, and the stage's name.
 * @throws SettingError
 */
export function profileOf(given: Given): Profile {
  const name = given.oneOf('profile', ['dev', 'staging', 'small', 'prod'], 'dev');
  const base = profiles[name];
  const isOn = (setting: string, otherwise: boolean): boolean =>
    given.oneOf(setting, ['on', 'off'], otherwise ? 'on' : 'off') === 'on';
  return {
    ...base,
    stage: stageOf(given, name),
    throttle: {
      rate: given.count('rateLimit', base.throttle.rate),
      burst: given.count('burstLimit', base.throttle.burst),
    },
    reservesConcurrency: isOn('reserveConcurrency', base.reservesConcurrency),
    canary: isOn('canary', base.canary),
    warehouse: isOn('warehouse', base.warehouse),
    traces: isOn('traces', base.traces),
    ...databaseOf(given, base),
    ...(given.text('databaseHost') === undefined ? {} : ofAnother),
    ...zonesOf(given, base),
  };
}

/** A database of the shop's own has the shop's readers, and a proxy if the shop has made one. */
const ofAnother = { proxy: false, readers: 0 } as const;

/** Names of resources have the stage's in them, and the shortest of theirs leaves room for twelve letters. */
function stageOf(given: Given, profile: Profile['name']): string {
  const stage =
    given.matching('stage', /^[a-z][a-z0-9]{1,11}$/, 'is not 2 to 12 lower-case letters and digits') ?? profile;
  if (stage !== profile && stage in profiles)
    throw new SettingError(
      `a stage called ${stage} has the profile ${stage}: give it another name, or leave out stage`,
    );
  return stage;
}

/** Zones are named where some of a region lack RDS Proxy, or an endpoint that the network needs. */
function zonesOf(given: Given, { zones, endpointZones }: Profile) {
  const named = given
    .text('zones')
    ?.split(',')
    .map((zone) => zone.trim());
  if (named === undefined) return {};
  const wrong = named.find((zone) => !/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/.test(zone));
  if (wrong !== undefined) throw new SettingError(`zones has "${wrong}", which is no availability zone`);
  if (new Set(named).size !== named.length || named.length < 2) {
    throw new SettingError('zones needs at least two different availability zones: -c zones=eu-west-1a,eu-west-1b');
  }
  return {
    zoneNames: named,
    zones: Math.min(zones, named.length),
    endpointZones: Math.min(endpointZones, named.length),
  };
}

function databaseOf(given: Given, profile: Profile): Pick<Profile, 'capacity' | 'readers' | 'backupDays'> {
  const { name, proxy, keeps } = profile;
  const capacity = capacityOf(given.text('databaseCapacity'), profile);
  const [readers, backupDays] = [number(given, 'readers', 0, 15), number(given, 'backupDays', keeps ? 7 : 1, 35)];
  if (readers !== undefined && readers > 0 && !proxy)
    throw new SettingError(`profile ${name} reaches readers by a proxy that it has not: leave out readers`);
  return { capacity, readers: readers ?? profile.readers, backupDays: backupDays ?? profile.backupDays };
}

function capacityOf(text: string | undefined, { name, capacity, proxy }: Profile): Profile['capacity'] {
  if (text === undefined) return capacity;
  const [min, max] = text.split('-').map(Number);
  const isUnit = (units: number | undefined): units is number =>
    units !== undefined && units >= 0 && units <= 256 && Number.isInteger(units * 2);
  if (!/^[\d.]+-[\d.]+$/.test(text) || !isUnit(min) || !isUnit(max) || max < min || max < 1)
    throw new SettingError(
      `databaseCapacity is a range of units, such as 2-32, in halves and at most 256, not "${text}"`,
    );
  if (min === 0 && proxy)
    throw new SettingError(
      `the database of profile ${name} never pauses, because its proxy stays connected: begin with 0.5`,
    );
  return { min, max };
}

function number(given: Given, name: string, least: number, most: number): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SettingError(`${name} is a whole number from ${least} to ${most}, not "${text}"`);
}
