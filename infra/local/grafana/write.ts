import { writeFileSync } from 'node:fs';
import { type StateMachineName, stateMachines } from '../../../lib/contract/deploy/route.ts';
import { readDefinitions } from '../console/definitions.ts';
import { grafanaDashboard } from './dashboard.ts';

/** The dashboards for Grafana, by their paths in the repository. What AWS bills is on CloudWatch alone. */
export function grafanaFiles(): Record<string, string> {
  const machines = Object.fromEntries(stateMachines.map((name) => [name, name])) as Record<StateMachineName, string>;
  const { dashboards } = readDefinitions(machines);
  return Object.fromEntries(
    dashboards
      .filter(({ name }) => !name.endsWith('-cost'))
      .map((dashboard) => {
        const file = dashboard.name.replace(/^counterfoil-local-?/, '') || 'today';
        return [`examples/grafana/${file}.json`, `${JSON.stringify(grafanaDashboard(dashboard), undefined, 2)}\n`];
      }),
  );
}

/** `npm run grafana`: writes them. A test fails when they are not what would be written. */
if (import.meta.main) {
  for (const [path, text] of Object.entries(grafanaFiles()))
    writeFileSync(new URL(`../../../${path}`, import.meta.url), text);
}
