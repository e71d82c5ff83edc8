import type { Migration } from '../../lib/database/migration-files.ts';
import { rules } from './rules.ts';
import { createSchema } from './schema.ts';
import { danglingExceptions, readStatements } from './statements.ts';

/** What is wrong in a file, and the rule that says so. */
export type Finding = { file: string; line: number; rule: string; what: string };

/**
 * Checks the migrations that the running release does not have: they must suit it, because its code goes on with the new
 * schema during a deployment, and after one that failed.
 * @param newest the newest migration of the running release, by number; 0 before the first release, when nothing is in use
 * @throws Unparsable
 */
export async function lintMigrations(migrations: readonly Migration[], newest: number): Promise<Finding[]> {
  const schema = createSchema();
  const findings: Finding[] = [];
  for (const { version, name, up, down } of migrations) {
    const file = `${name}.up.sql`;
    const statements = await readStatements(file, up);
    const released = version <= newest;
    schema.startFile();
    for (const statement of statements) {
      if (!released && newest > 0) {
        const allowed = new Map(statement.exceptions.map((exception) => [exception.rule, exception]));
        for (const [rule, check] of Object.entries(rules)) {
          const whats = check(statement, schema);
          const exception = allowed.get(rule);
          if (whats.length > 0 && allowed.delete(rule)) {
            if (exception!.reason.length < 10)
              findings.push({ file, line: exception!.line, rule, what: 'is allowed without a reason' });
          } else findings.push(...whats.map((what) => ({ file, line: statement.line, rule, what })));
        }
        for (const { rule, line } of allowed.values()) findings.push(unused(file, line, rule));
      }
      schema.take(statement, released);
    }
    if (!released && newest > 0) {
      if (down.trim() === '') findings.push({ ...missingDown, file: `${name}.down.sql` });
      for (const { rule, line } of danglingExceptions(up, statements)) findings.push(unused(file, line, rule));
    }
  }
  return findings;
}

const missingDown = { line: 1, rule: 'missing-down', what: 'reverts nothing, and does not say why' };

const unused = (file: string, line: number, rule: string): Finding => ({
  file,
  line,
  rule,
  what: Object.hasOwn(rules, rule) ? 'is allowed, but nothing here needs it' : 'is no rule',
});
