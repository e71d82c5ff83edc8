import type {
  BatchGetCommandInput,
  BatchGetCommandOutput,
  BatchWriteCommandInput,
  BatchWriteCommandOutput,
  DeleteCommandInput,
  DeleteCommandOutput,
  GetCommandInput,
  GetCommandOutput,
  PutCommandInput,
  PutCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  ScanCommandInput,
  ScanCommandOutput,
  TransactWriteCommandInput,
  TransactWriteCommandOutput,
  UpdateCommandInput,
  UpdateCommandOutput,
} from '@aws-sdk/lib-dynamodb';
import { isNamed } from '../kernel/errors.ts';
import { throttlingNames } from '../kernel/outage.ts';

type Call<Input, Output> = (
  input: Input,
  options?: { abortSignal?: AbortSignal },
) => Promise<Omit<Output, '$metadata'>>;

/**
 * What stores ask of DynamoDB, in the words of the SDK: its `DynamoDBDocument` is one too. A call may reach DynamoDB twice, as
 * its answer can get lost.
 */
export type DocumentClient = {
  get: Call<GetCommandInput, GetCommandOutput>;
  put: Call<PutCommandInput, PutCommandOutput>;
  update: Call<UpdateCommandInput, UpdateCommandOutput>;
  delete: Call<DeleteCommandInput, DeleteCommandOutput>;
  query: Call<QueryCommandInput, QueryCommandOutput>;
  scan: Call<ScanCommandInput, ScanCommandOutput>;
  batchGet: Call<BatchGetCommandInput, BatchGetCommandOutput>;
  batchWrite: Call<BatchWriteCommandInput, BatchWriteCommandOutput>;
  transactWrite: Call<TransactWriteCommandInput, TransactWriteCommandOutput>;
};

/** Whether the condition of a write did not hold. `Item` is what is there, if the write asked for it, as it came: `{ N: '5' }`. */
export const isConditionFailed = (error: unknown): error is Error & { Item?: Record<string, unknown> } =>
  isNamed(error, 'ConditionalCheckFailedException');

/** Why a transaction was cancelled, item by item; empty when the error is another one. */
export const cancellationReasons = (error: unknown): readonly { Code?: string }[] =>
  isNamed(error, 'TransactionCanceledException')
    ? ((error as { CancellationReasons?: { Code?: string }[] }).CancellationReasons ?? [])
    : [];

const busyReasons = new Set(['ProvisionedThroughputExceeded', 'ThrottlingError', 'TransactionConflict']);

/** Whether the same call may succeed in a moment: DynamoDB has too much to do, or somebody else writes the same items now. */
export const isBusy = (error: unknown): boolean =>
  (error instanceof Error && throttlingNames.has(error.name)) ||
  cancellationReasons(error).some(({ Code }) => busyReasons.has(Code ?? ''));
