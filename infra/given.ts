import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';

/** A `-c name=value` that is missing or not valid. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** The full ARN of a secret, with the six characters that Secrets Manager adds to its name. */
export const fullSecretArn = /^arn:[a-z-]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/;

/**
 * The `-c name=value` of a command line, over those of the shop's own file, `-c settings=shop.json`: an object of strings, numbers and
 * booleans. An empty value counts as none.
 */
export class Given {
  readonly #node: Node;
  readonly #file: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  /** @throws SettingError when there is a file that cannot be read */
  constructor(node: Node) {
    this.#node = node;
    const file: unknown = node.tryGetContext('settings');
    this.#file = file === undefined || file === '' ? {} : readFile(String(file));
  }

  text(name: string): string | undefined {
    this.#asked.add(name);
    const value: unknown = this.#node.tryGetContext(name) ?? this.#file[name];
    return value === undefined || value === '' ? undefined : String(value);
  }

  /** @throws SettingError when the command line or the file has a name that nobody asked for */
  checkNames(): void {
    if (this.oneOf('newerSettings', ['refused', 'ignored'], 'refused') === 'ignored') return;
    // The names of CDK's own have other characters in them.
    const typed = Object.keys(this.#node.getAllContext()).filter((name) => /^[A-Za-z][A-Za-z0-9_]*$/.test(name));
    const wrong = typed.find((name) => name !== 'settings' && !this.#asked.has(name));
    if (wrong !== undefined) throw new SettingError(`"${wrong}" is no setting`);
    const unknown = Object.keys(this.#file).find((name) => !this.#asked.has(name));
    if (unknown !== undefined) throw new SettingError(`the file of settings has "${unknown}", which is no setting`);
  }

  /** @throws SettingError when there is a value that does not match */
  matching(name: string, pattern: RegExp, otherwise: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !pattern.test(value)) throw new SettingError(`${name} "${value}" ${otherwise}`);
    return value;
  }

  /** @throws SettingError naming the values to choose from */
  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const value = this.text(name) ?? fallback;
    if (!values.includes(value as T)) throw new SettingError(`${name} is ${values.join(' or ')}, not "${value}"`);
    return value as T;
  }

  /** @throws SettingError when the value is not a whole number of at least 1 */
  count(name: string, fallback: number): number {
    const value = Number(this.text(name) ?? fallback);
    if (!Number.isInteger(value) || value < 1) throw new SettingError(`${name} is a whole number of at least 1`);
    return value;
  }
}

function readFile(path: string): Record<string, unknown> {
  let values: unknown;
  try {
    values = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingError(`the file of settings cannot be read: ${(error as Error).message}`);
  }
  const isObject = typeof values === 'object' && values !== null && !Array.isArray(values);
  if (
    isObject &&
    Object.values(values as object).every((value) => ['string', 'number', 'boolean'].includes(typeof value))
  )
    return values as Record<string, unknown>;
  throw new SettingError(`${path} is not a JSON object of strings, numbers and booleans`);
}
