import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runAdvisories } from '../../infra/tools/advisories.ts';

const cases = [
  { of: 'a package that is deployed', name: 'postgres', events: [{ introduced: '0' }], code: 1 },
  { of: 'a version before ours', name: 'postgres', events: [{ introduced: '0' }, { fixed: '3.0.0' }], code: 0 },
  { of: 'a package that only tests', name: 'vitest', events: [{ introduced: '0' }], code: 0 },
];

/**
 * Lets OSV-Scanner look for advisories that are made up, in the format of https://ossf.github.io/osv-schema/.
 * @returns what it should have found and has not, or the other way round
 */
export async function judgeAdvisories(scanner: string, python: string, folder: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const [n, { of, name, events, code }] of cases.entries()) {
    const advisory = join(folder, `GHSA-0000-0000-000${n}.json`);
    const [database, at] = [join(folder, `advisories-${n}.zip`), '2026-01-01T00:00:00Z'];
    await writeFile(
      advisory,
      JSON.stringify({
        schema_version: '1.6.0',
        id: `GHSA-0000-0000-000${n}`,
        modified: at,
        published: at,
        summary: 'Made up for a test',
        affected: [{ package: { ecosystem: 'npm', name }, ranges: [{ type: 'SEMVER', events }] }],
      }),
    );
    await promisify(execFile)(python, ['-m', 'zipfile', '-c', database, advisory]);
    const ended = await runAdvisories(['--database', database, '--scanner', scanner], console.log);
    if (ended !== code) wrong.push(`With an advisory of ${of} it ended with ${ended}, not ${code}.`);
  }
  return wrong;
}
