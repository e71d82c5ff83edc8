import type { Sql } from 'postgres';

/*
 * The driver builds the text of a statement anew each time it is sent, from all its fragments, each of which is a promise. A
 * statement of an order has a hundred. Here a fragment is a plain object, and the text of each shape is kept.
 */

type Literal = readonly string[];

/** What the driver gets: a literal without fragments. */
type Flat = TemplateStringsArray;

/** A statement of the driver, as far as it is used. */
type Sent = Promise<unknown> & {
  options: { prepare?: boolean };
  cursor(rows: number): AsyncIterable<unknown[]>;
};

type Handle = { driver: (literal: Flat | string, ...values: unknown[]) => Sent; commented: () => string | undefined };

/**
 * The same handle of the driver, which keeps the texts of statements with values, fragments, lists of fragments, and names of tables
 * and columns, as in `sql('orders.lines')`. A statement with another helper, such as `sql(row)`, is left to the driver.
 * @param commented the comment that ends a statement, which is then not prepared; undefined for most
 */
export function withKeptTexts(native: Sql, commented: () => string | undefined): Sql {
  const driver = native as unknown as Handle['driver'];
  const handle = { driver, commented };
  const tag = (first: TemplateStringsArray | string | object, ...values: unknown[]) => {
    if (isLiteral(first)) return new Statement(noted(first), values, handle);
    return typeof first === 'string' && values.length === 0
      ? new Name(first)
      : new Helper(driver(first as string, ...values));
  };
  const inside =
    (begin: (...args: unknown[]) => unknown) =>
    // The last argument is what runs inside, with a handle of its own.
    (...args: unknown[]) => {
      const work = args.pop() as (tx: Sql) => unknown;
      return begin(...args, (tx: Sql) => work(withKeptTexts(tx, commented)));
    };
  const { name, length, prototype, ...own } = Object.getOwnPropertyDescriptors(native) as {
    [name: string]: PropertyDescriptor;
  };
  Object.defineProperties(tag, own);
  for (const method of ['begin', 'savepoint'] as const) {
    const begin = own[method]?.value;
    if (begin !== undefined) Object.defineProperty(tag, method, { value: inside(begin) });
  }
  return tag as unknown as Sql;
}

const isLiteral = (first: unknown): first is TemplateStringsArray => Array.isArray(first) && 'raw' in first;

/** The name of a table or a column. */
class Name {
  readonly quoted: string;
  constructor(name: string) {
    this.quoted = `"${name.replaceAll('"', '""').replaceAll('.', '"."')}"`;
  }
}

/** A part that the driver alone can write, such as the columns and values of an insert. A part of its own making is a promise. */
class Helper {
  readonly made: unknown;
  constructor(made: unknown) {
    this.made = made;
  }
}

/** A statement that is sent when somebody waits for it, or a fragment of one, which is never sent. */
class Statement implements PromiseLike<unknown> {
  readonly literal: Literal;
  readonly values: readonly unknown[];
  readonly #handle: Handle;
  #sent: Promise<unknown> | undefined;

  constructor(literal: Literal, values: readonly unknown[], handle: Handle) {
    this.literal = literal;
    this.values = values;
    this.#handle = handle;
  }

  // biome-ignore lint/suspicious/noThenProperty: whoever waits for a statement sends it, as with the driver
  then<A = unknown, B = never>(
    done?: ((rows: unknown) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(done, failed);
  }

  catch<B>(failed: (error: unknown) => B): Promise<unknown> {
    return this.#promise().catch(failed);
  }

  finally(ended: () => void): Promise<unknown> {
    return this.#promise().finally(ended);
  }

  /** So many rows at a time. */
  cursor(rows: number): AsyncIterable<unknown[]> {
    return this.#send().cursor(rows);
  }

  #promise(): Promise<unknown> {
    this.#sent ??= this.#send().catch((error: unknown) => {
      throw withOrigin(error, this.literal);
    });
    return this.#sent;
  }

  #send(): Sent {
    const { driver, commented } = this.#handle;
    const parameters: unknown[] = [];
    const end = walk(this, start, parameters);
    const literal = end === undefined ? this.literal : (end.flat ?? keep(end, flatten(this)));
    const values = end === undefined ? this.values.map((each) => forDriver(each, driver)) : parameters;
    const comment = commented();
    if (comment === undefined) return driver(literal as Flat, ...values);
    const statement = driver(literalOf(literal.with(-1, literal.at(-1) + comment)), ...values);
    statement.options.prepare = false;
    return statement;
  }
}

/** Where each literal stands in the source. The driver's own errors come from its socket. */
const origins = new WeakMap<Literal, string>();

function noted(literal: Literal): Literal {
  if (!origins.has(literal)) origins.set(literal, new Error().stack?.split('\n').slice(3, 6).join('\n') ?? '');
  return literal;
}

function withOrigin(error: unknown, literal: Literal): unknown {
  if (error instanceof Error) {
    // The driver has made it one that cannot be assigned to.
    Reflect.defineProperty(error, 'stack', { value: `${error.stack}\n${origins.get(literal)}`, configurable: true });
  }
  return error;
}

function forDriver(value: unknown, driver: Handle['driver']): unknown {
  if (value instanceof Statement) {
    return driver(value.literal as Flat, ...value.values.map((each) => forDriver(each, driver)));
  }
  if (value instanceof Name) return driver(literalOf([value.quoted]));
  if (value instanceof Helper) return value.made;
  return isList(value) ? value.map((each) => forDriver(each, driver)) : value;
}

/** One step on the way through the parts of a statement: a literal, a value, a name, or how many fragments a list has. */
type Step = { next: Map<Literal | string | number, Step>; flat?: Flat };

const newStep = (): Step => ({ next: new Map() });
const start = newStep();

/** Far more than a process has statements. What callers filter by makes more shapes than fit into memory. */
const mostKept = 2000;
let kept = 0;

/** Keeps the text of a shape; those of all others are forgotten when there are too many. */
function keep(end: Step, flat: Flat): Flat {
  if (++kept > mostKept) {
    start.next.clear();
    kept = 0;
  }
  end.flat = flat;
  return flat;
}

/** The step of any value: no name is empty. */
const aValue = '';

/**
 * Goes through a statement, collects its parameters, and comes to where the text of all statements of this shape is kept.
 * @returns undefined if the driver has to write a part of it
 */
function walk({ literal, values }: Statement, from: Step, parameters: unknown[]): Step | undefined {
  let step: Step | undefined = go(from, literal);
  for (const each of values) {
    if (each instanceof Statement) step = walk(each, step, parameters);
    else if (each instanceof Name) step = go(step, each.quoted);
    else if (each instanceof Helper || each instanceof Promise) return undefined;
    else if (isList(each)) {
      step = go(step, each.length);
      for (const one of each) step &&= walk(one, step, parameters);
    } else {
      step = go(step, aValue);
      parameters.push(each);
    }
    if (step === undefined) return undefined;
  }
  return step;
}

function go({ next }: Step, by: Literal | string | number): Step {
  let step = next.get(by);
  if (step === undefined) {
    step = newStep();
    next.set(by, step);
  }
  return step;
}

const isList = (each: unknown): each is readonly Statement[] => Array.isArray(each) && each[0] instanceof Statement;

function flatten(statement: Statement): Flat {
  const parts = [''];
  const add = (text: string) => {
    parts[parts.length - 1] += text;
  };
  const addAll = ({ literal, values }: Statement) => {
    for (const [n, text] of literal.entries()) {
      add(text);
      if (n === values.length) continue;
      const each = values[n];
      if (each instanceof Statement) addAll(each);
      else if (each instanceof Name) add(each.quoted);
      else if (isList(each)) {
        for (const one of each) {
          add(' ');
          addAll(one);
        }
      } else parts.push('');
    }
  };
  addAll(statement);
  return literalOf(parts.map(withoutIndentation));
}

/** Statements are indented as in the source. PostgreSQL would get that each time, and no text between quotes has it. */
const withoutIndentation = (text: string): string =>
  text.split('\n').some((line) => line.split("'").length % 2 === 0) ? text : text.replaceAll(/\n\s+/g, '\n');

const literalOf = (parts: string[]): Flat => Object.assign(parts, { raw: parts });
