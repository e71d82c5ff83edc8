import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readTemplate, type Template } from '../../infra/local/console/dashboard.ts';
import { readDefinitions } from '../../infra/local/console/definitions.ts';
import { MetricStore } from '../../infra/local/console/metric-store.ts';
import { drawOverview, ranges } from '../../infra/local/console/overview.ts';
import { grafanaFiles } from '../../infra/local/grafana/write.ts';
import { type StateMachineName, stateMachines } from '../../lib/contract/deploy/route.ts';
import { synthesized } from './synthesized.ts';

/* What CDK deploys and the console draws are the same definitions: a widget that it cannot draw fails here. */

const machines = Object.fromEntries(stateMachines.map((name) => [name, `arn:${name}`])) as Record<
  StateMachineName,
  string
>;

test.each(['dev', 'prod'] as const)('the console draws every widget and knows every alarm of %s', (profile) => {
  const template = synthesized(profile).monitoring as unknown as Template;
  const { dashboards, alarms, composites } = readTemplate(template);
  expect(dashboards.flatMap(({ widgets }) => widgets).length).toBeGreaterThan(40);
  expect(alarms.length).toBeGreaterThan(50);
  const named = new Set(alarms.map(({ name }) => name));
  const shown = dashboards.flatMap(({ widgets }) =>
    widgets.flatMap((widget) => (widget.type === 'alarm' ? widget.alarms : [])),
  );
  expect(shown.length).toBeGreaterThan(50);
  expect(shown.filter((name) => !named.has(name))).toEqual([]);
  for (const range of Object.keys(ranges)) {
    const deps = { store: new MetricStore(), lines: () => [], dashboards, alarms, composites, since: Date.now() };
    const drawn = drawOverview(deps, range, Date.now());
    expect(drawn.times.length).toBe(60);
    expect(drawn.dashboards.map(({ widgets }) => widgets.length)).toEqual(
      dashboards.map(({ widgets }) => widgets.length),
    );
  }
});

test('the laptop’s dashboards are those of a deployment, with the parts of the laptop', () => {
  const local = readDefinitions(machines);
  const deployed = readTemplate(synthesized('dev').monitoring as unknown as Template);
  const titles = ({ dashboards }: typeof local) =>
    dashboards.flatMap(({ widgets }) => widgets.map((widget) => ('title' in widget ? widget.title : widget.markdown)));
  expect(titles(local)).toEqual(titles(deployed));
  const names = ({ alarms }: typeof local) => alarms.map(({ name }) => name);
  expect(names(deployed).filter((name) => !names(local).includes(name))).toEqual([]);
});

test('the dashboards for Grafana are made from these: run npm run grafana when they are not', () => {
  for (const [path, text] of Object.entries(grafanaFiles())) {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8') === text, path).toBe(true);
  }
});
