import { readFileSync } from 'node:fs';
import { folderOf, testsOf } from './cover.ts';
import { brief, distinct, edit, lineAt, type TrialMutant } from './mutant.ts';

/**
 * What makes a provider or DynamoDB do a thing once: each idempotency key left out, unlike at every call, and without
 * each of its parts; each condition of a write always true; each consistent read an ordinary one.
 */
export function keyMutants(file: string): TrialMutant[] {
  const source = readFileSync(file, 'utf8');
  const changes = [
    ...[...source.matchAll(/`\$\{orderId\}:[^`]*`/g)].flatMap(({ index, 0: key }) => {
      const parts = key.slice(1, -1).split(':');
      const without = parts.slice(1).map((_, i) => `\`${parts.filter((_, j) => j !== i + 1).join(':')}\``);
      const each = ['undefined', `\`${parts.join(':')}:\${Math.random()}\``, ...without];
      return each.map((to) => ({ index, from: key, to }));
    }),
    ...[...source.matchAll(/(?<=ConditionExpression: ')[^']+/g)].map(({ index, 0: from }) => ({
      index,
      from,
      to: `${from} or attribute_not_exists(nothing)`,
    })),
    ...[...source.matchAll(/ConsistentRead: true/g)].map(({ index, 0: from }) => ({
      index,
      from,
      to: 'ConsistentRead: false',
    })),
  ];
  return distinct(
    changes.map(
      ({ index, from, to }): TrialMutant => ({
        part: 'keys',
        folder: folderOf(file),
        file,
        line: lineAt(source, index),
        change: `${brief(from)} → ${brief(to)}`,
        apply: { text: edit(source, { start: index, end: index + from.length, text: to }) },
        tests: testsOf(file),
      }),
    ),
  );
}
