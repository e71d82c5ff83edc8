/** A statement of the dialect that DuckDB and Athena share, or a piece of one, with a `?` for each parameter. */
export type Statement = { text: string; parameters: readonly string[] };

/** Text of a statement: pieces become part of it, strings parameters. */
export function statement(texts: TemplateStringsArray, ...values: (string | Statement)[]): Statement {
  const pieces = values.map((value) => (typeof value === 'string' ? { text: '?', parameters: [value] } : value));
  return {
    text: texts.map((text, n) => text + (pieces[n]?.text ?? '')).join(''),
    parameters: pieces.flatMap(({ parameters }) => parameters),
  };
}
