import { DependencyUnavailable } from '../../kernel/errors.ts';

const throttled = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'LimitExceededException',
]);

/**
 * What DynamoDB answers. Its refusals of the request itself (a failed condition, a missing permission or table) go on
 * as they are; everything else means that credentials cannot be checked now.
 * @throws DependencyUnavailable
 */
export async function answered<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw new DependencyUnavailable('sessions', { cause: error });
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && '$fault' in error && error.$fault === 'client' && !throttled.has(error.name);
