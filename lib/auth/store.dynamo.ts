import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { cancellationReasons, type DocumentClient, isBusy } from '../database/document-client.dynamo.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';

/*
 * What the DynamoDB stores of this room share: how failures become errors, transactions, and numbers in items that come
 * with an error.
 */

/**
 * Resolves to DynamoDB's response. An error about the request itself (a failed condition, a missing permission or
 * table) is rethrown as it is; every other error, throttling included, means that credentials cannot be checked now.
 * @throws DependencyUnavailable
 */
export async function orUnavailable<T>(response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    if (isClientError(error)) throw error;
    throw new DependencyUnavailable('sessions', { cause: error });
  }
}

const isClientError = (error: unknown): boolean =>
  error instanceof Error && '$fault' in error && error.$fault === 'client' && !isBusy(error);

export type Writes = NonNullable<TransactWriteCommandInput['TransactItems']>;

/**
 * Writes all items in one transaction.
 * @returns false, with nothing written, when a condition did not hold
 * @throws DependencyUnavailable
 */
export async function writeAll(client: DocumentClient, items: Writes): Promise<boolean> {
  const refusedOrThrow = (error: unknown): false => {
    if (cancellationReasons(error).some(({ Code }) => Code === 'ConditionalCheckFailed')) return false;
    throw error;
  };
  return orUnavailable(client.transactWrite({ TransactItems: items }).then(() => true, refusedOrThrow));
}

/** A number out of an item. The document client does not unmarshal the item in an error, so both forms occur. */
export const numberOf = (value: unknown): number =>
  Number(typeof value === 'object' && value !== null && 'N' in value ? value.N : value);
