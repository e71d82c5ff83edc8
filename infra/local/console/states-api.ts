/** A history event as Step Functions answers it; times are seconds since the epoch. */
export type RawEvent = { id: number; timestamp: number; type: string } & Record<string, unknown>;

export type RawExecution = {
  name: string;
  status: string;
  startDate: number;
  stopDate?: number;
  error?: string;
  cause?: string;
};

/** Calls the local Step Functions by its protocol, which needs no SDK here. */
export function statesApi(endpoint: string) {
  async function call<T>(operation: string, body: object): Promise<T | undefined> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AWSStepFunctions.${operation}` },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { __type?: string; message?: string };
    if (response.ok) return answer;
    if (answer.__type === 'ExecutionDoesNotExist') return undefined;
    throw new Error(`${operation}: ${answer.message ?? response.status}`);
  }
  return {
    describe: (executionArn: string) => call<RawExecution>('DescribeExecution', { executionArn }),
    running: async (stateMachineArn: string): Promise<RawExecution[]> => {
      const body = { stateMachineArn, statusFilter: 'RUNNING', maxResults: 100 };
      return (await call<{ executions: RawExecution[] }>('ListExecutions', body))?.executions ?? [];
    },
    newest: async (stateMachineArn: string, maxResults: number): Promise<RawExecution[]> =>
      (await call<{ executions: RawExecution[] }>('ListExecutions', { stateMachineArn, maxResults }))?.executions ?? [],
    /** All events of an execution, oldest first. */
    async history(executionArn: string): Promise<RawEvent[]> {
      const events: RawEvent[] = [];
      for (let nextToken: string | undefined; ; ) {
        const page = await call<{ events: RawEvent[]; nextToken?: string }>('GetExecutionHistory', {
          executionArn,
          includeExecutionData: false,
          maxResults: 1000,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        events.push(...(page?.events ?? []));
        nextToken = page?.nextToken;
        if (nextToken === undefined) return events;
      }
    },
  };
}

export type StatesApi = ReturnType<typeof statesApi>;
