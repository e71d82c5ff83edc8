import { SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';

/** Ends the wait of a saga by its task token. One that does not wait any more is left alone. */
export async function endTask(client: SFNClient, taskToken: string): Promise<void> {
  await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' })).catch((error: Error) => {
    if (error.name !== 'TaskTimedOut' && error.name !== 'TaskDoesNotExist') throw error;
  });
}
