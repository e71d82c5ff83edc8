import { expect, test } from 'vitest';
import { commandsIn, commandsOf, pages } from '../deploy/page.ts';
import { whoRuns } from '../deploy/page-commands.ts';
import { scenes } from '../deploy/scenes.ts';

test.each(pages)('each command of %s has a scene that runs it, or a reason why none can', (page) => {
  expect(Object.keys(whoRuns[page]).toSorted()).toEqual([...commandsOf(page).keys()].toSorted());
});

test('the scenes that run commands exist', () => {
  const named = Object.values(whoRuns).flatMap((commands) =>
    Object.values(commands).flatMap((who) => ('scene' in who ? who.scene : [])),
  );
  const known: string[] = scenes.map(({ name }) => name);
  expect(new Set(named).size).toBeGreaterThan(3);
  expect(named.filter((scene) => !known.includes(scene))).toEqual([]);
});

test('a command is found in a block, in a list, at a console and in a sentence', () => {
  const page = [
    '<!-- two steps -->\n\n```sh\none "$A" \\\n  two\n```\n\nThen:\n\n```sh\nthree\n```\n\n<!-- end of two steps -->\n',
    '1. In a list:\n\n   ```sh\n   npm ci\n     npm test\n   ```\n',
    '```console\n$ npm run lint:api\nrefused\n```\n',
    '```yaml\nrun: `npm start`\n```\n',
    'Run `aws\ns3 ls`, not the name `aws` or `cdk deploy`.\n',
  ].join('\n');
  expect([...commandsIn(page)]).toEqual([
    ['two steps', 'one "$A" \\\n  two\nthree'],
    ['npm ci', 'npm ci\n  npm test'],
    ['npm run lint:api', 'npm run lint:api'],
    ['aws s3 ls', 'aws s3 ls'],
  ]);
});
