import { dueAt, type OpenTask } from './callbacks.ts';
import { integrationOf, type State } from './definition.ts';
import { fromLambda, StateError } from './errors.ts';
import { evaluate, type Json, type Scope } from './expressions.ts';
import { checkSize, errorDetails, given, type Host, type Position } from './host.ts';
import { within } from './pauses.ts';

type Call = {
  state: State;
  payload: Json;
  scope: Scope;
  position: Position;
  host: Host;
  token: string | undefined;
};

type Invocation = { FunctionName: string; Payload?: Json };

/**
 * Calls the function of a Task and gives the task's result: what the function answered, the response of
 * `lambda:invoke`, or what a callback brings. Records the events that AWS writes. Throws StateError when the task
 * fails or times out.
 */
export function callFunction(call: Call): Promise<Json> {
  const integration = integrationOf(call.state);
  if (integration === undefined) return callDirectly(call);
  return integration === 'invoke' ? invoke(call) : awaitCallback(call);
}

async function callDirectly({ state, payload, scope, position, host }: Call): Promise<Json> {
  const input = JSON.stringify(payload);
  const seconds = timeoutOf(state, scope);
  const scheduled = {
    resource: state.Resource,
    ...given('input', input),
    ...(seconds && { timeoutInSeconds: seconds }),
  };
  host.record('LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: scheduled });
  host.record('LambdaFunctionStarted');
  let output: string;
  try {
    const answer = await within(limitOf(seconds, host), () => host.invoke(state.Resource!, JSON.parse(input)));
    output = toJson(answer);
    checkSize(position.state, output);
  } catch (thrown) {
    host.signal.throwIfAborted();
    const error = fromLambda(thrown);
    const details = errorDetails({ error: error.error, cause: error.causeText });
    if (error.error === 'States.Timeout')
      host.record('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: details });
    else host.record('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: details });
    throw error;
  }
  host.record('LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: given('output', output) });
  return JSON.parse(output);
}

async function invoke({ state, payload, scope, position, host }: Call): Promise<Json> {
  const seconds = timeoutOf(state, scope);
  recordStart('invoke', payload, seconds, host);
  let output: string;
  try {
    output = await within(limitOf(seconds, host), () => response(payload, position, host));
  } catch (thrown) {
    throw recordFailure('invoke', thrown, host);
  }
  recordTask('TaskSucceeded', 'invoke', given('output', output), host);
  return JSON.parse(output);
}

async function awaitCallback(call: Call): Promise<Json> {
  const { payload, position, host } = call;
  const task = position.task ?? schedule(call);
  const submit = async (over: AbortSignal) => {
    const output = await response(payload, position, host);
    if (over.aborted || task.output !== null) return;
    task.submitted = true;
    recordTask('TaskSubmitted', callback, given('output', output), host);
    host.save(position);
  };
  if (task.output === null) {
    try {
      await within({ deadline: dueAt(task), clock: host.clock, signal: host.signal }, (over) => {
        const answered = host.answered();
        const submitted = task.submitted ? answered : submit(over).then(() => answered);
        return Promise.race([answered, submitted]);
      });
    } catch (thrown) {
      throw recordFailure(callback, thrown, host);
    }
  }
  return JSON.parse(task.output!);
}

function schedule({ state, payload, scope, position, host, token }: Call): OpenTask {
  const seconds = timeoutOf(state, scope);
  const task = {
    token: token!,
    scheduledAt: host.clock.now(),
    timeoutSeconds: seconds ?? null,
    submitted: false,
    output: null,
  };
  recordStart(callback, payload, seconds, host);
  host.save(Object.assign(position, { task }));
  return task;
}

/** Invokes the function that the parameters name and gives what `lambda:invoke` answers, as JSON text. */
async function response(parameters: Json, position: Position, host: Host): Promise<string> {
  const { FunctionName, Payload = {} } = parameters as Invocation;
  const answer = toJson(await host.invoke(FunctionName, structuredClone(Payload)));
  const output = JSON.stringify({ ExecutedVersion: '$LATEST', Payload: JSON.parse(answer), StatusCode: 200 });
  checkSize(position.state, output);
  return output;
}

const callback = 'invoke.waitForTaskToken';

type Resource = 'invoke' | typeof callback;

/** Writes an event of a task with the resource `lambda:invoke`, in the format of AWS. */
export function recordTask(type: string, resource: Resource, details: object, host: Pick<Host, 'record'>): void {
  const field = `${type[0]!.toLowerCase()}${type.slice(1)}EventDetails`;
  host.record(type, { [field]: { resourceType: 'lambda', resource, ...details } });
}

function recordStart(resource: Resource, payload: Json, seconds: number | undefined, host: Host) {
  const limit = seconds !== undefined && { timeoutInSeconds: seconds };
  const details = { region: host.region, parameters: JSON.stringify(payload), ...limit };
  recordTask('TaskScheduled', resource, details, host);
  recordTask('TaskStarted', resource, {}, host);
}

function recordFailure(resource: Resource, thrown: unknown, host: Host): StateError {
  host.signal.throwIfAborted();
  const error = fromLambda(thrown);
  const type = error.error === 'States.Timeout' ? 'TaskTimedOut' : 'TaskFailed';
  recordTask(type, resource, errorDetails({ error: error.error, cause: error.causeText }), host);
  return error;
}

function limitOf(seconds: number | undefined, { clock, signal }: Host) {
  return { deadline: clock.now() + (seconds ?? Infinity) * 1000, clock, signal };
}

function toJson(answer: unknown): string {
  try {
    return JSON.stringify(answer) ?? 'null';
  } catch (error) {
    throw Object.assign(new Error(`Unable to stringify response body: ${(error as Error).message}`), {
      name: 'Runtime.MarshalError',
    });
  }
}

function timeoutOf({ TimeoutSeconds, TimeoutSecondsPath: path }: State, scope: Scope): number | undefined {
  if (path === undefined) return TimeoutSeconds;
  const seconds = evaluate(path, scope);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new StateError('States.Runtime', `The TimeoutSecondsPath '${path}' must give a positive whole number.`);
}
