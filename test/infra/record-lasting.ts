import { writeFileSync } from 'node:fs';
import { recordFile, recordOf, stageProfiles } from './lasting.ts';
import { stacksOf, synthesized } from './synthesized.ts';

/** Records what this version's stages keep data in: what the next versions must not drop or replace. */
const record = Object.fromEntries(stageProfiles.map((profile) => [profile, recordOf(stacksOf(synthesized(profile)))]));
writeFileSync(recordFile, `${JSON.stringify(record, undefined, 2)}\n`);
