import { expect, test } from 'vitest';
import { stageOf } from '../../infra/cost/stage.ts';
import { runCost } from '../../infra/tools/cost.ts';
import { ofType, stacksOf, synthesized } from './synthesized.ts';

test('what a stage pays for by the month is counted in its templates', () => {
  const templates = stacksOf(synthesized('dev')).map(([, template]) => template);
  const all = (type: string) => templates.flatMap((template) => ofType(template, type));
  const stage = stageOf('dev');
  expect(stage).toMatchObject({
    minimumAcu: 0.5,
    instances: 1,
    endpointZones: 2,
    dashboards: all('AWS::CloudWatch::Dashboard').length,
    keys: all('AWS::KMS::Key').length,
  });
  expect(stage.alarmMetrics).toBeGreaterThanOrEqual(all('AWS::CloudWatch::Alarm').length);
  // Two jobs at least run each minute.
  expect(stage.jobRuns).toBeGreaterThan(2 * 730 * 60);
});

test('every profile and a thousand orders stay within the budget', async () => {
  const lines: string[] = [];
  expect(await runCost(['--check'], (line) => lines.push(line)), lines.join('\n')).toBe(0);
});
