/**
 * A state failed: `error` is what Retry and Catch match, `cause` what they pass on.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export class StateError extends Error {
  readonly error: string | null;
  readonly causeText: string | null;

  constructor(error: string | null, causeText: string | null) {
    super(`${error ?? 'no error name'}: ${causeText ?? 'no cause'}`);
    this.name = 'StateError';
    this.error = error;
    this.causeText = causeText;
  }
}

/** The whole execution ran longer than the definition's TimeoutSeconds. */
export class ExecutionTimedOut extends Error {
  override readonly name = 'ExecutionTimedOut';
}

/** The execution was stopped from outside. The result of its running task is ignored. */
export class Halted extends Error {
  override readonly name = 'Halted';
}

/** An error answer in the format of the AWS JSON protocol: `__type` and `message`. */
export class ApiError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = 'ApiError';
    this.type = type;
    this.status = status;
  }
}

/** The definition uses something that the local interpreter does not support. The message lists every problem. */
export class DefinitionRefused extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The state machine definition is refused: ${problems.join('; ')}.`);
    this.name = 'DefinitionRefused';
    this.problems = problems;
  }
}

/** What Step Functions shows of an error that a Lambda function threw: its name, and as cause the runtime's JSON. */
export function fromLambda(thrown: unknown): StateError {
  if (thrown instanceof StateError) return thrown;
  if (!(thrown instanceof Error)) {
    const errorType = thrown === null ? 'null' : typeof thrown;
    return new StateError(errorType, JSON.stringify({ errorType, errorMessage: String(thrown), trace: [] }));
  }
  const trace = thrown.stack?.split('\n') ?? [];
  return new StateError(thrown.name, JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message, trace }));
}
