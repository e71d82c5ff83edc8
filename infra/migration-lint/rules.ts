import { dataRules } from './rules-data.ts';
import { objectRules } from './rules-objects.ts';
import { tableRules } from './rules-tables.ts';
import type { Schema } from './schema.ts';
import type { Statement } from './statements.ts';

/** Checks one statement. @returns what it does that the rule refuses, each as the rest of a sentence */
export type Check = (statement: Statement, schema: Schema) => string[];

/** Each rule by its id, which is also its heading in docs/migration-rules.md and its name in an exception. */
export const rules: Readonly<Record<string, Check>> = { ...objectRules, ...tableRules, ...dataRules };
