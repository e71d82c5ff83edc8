import { dataRules } from './rules-data.ts';
import { objectRules } from './rules-objects.ts';
import { tableRules } from './rules-tables.ts';
import type { Check } from './schema.ts';

/** Each rule by its id, which is also its heading in docs/migration-rules.md and its name in an exception. */
export const rules: Readonly<Record<string, Check>> = { ...objectRules, ...tableRules, ...dataRules };
