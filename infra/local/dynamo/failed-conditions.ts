import { type Answer, ApiError, type Input, type Item, type Operation, perform, type Store } from './dynalite.ts';

/**
 * Runs a checked write. When its condition fails, the error carries the item that the condition was checked on, as
 * `ReturnValuesOnConditionCheckFailure: ALL_OLD` requests.
 */
export async function performShowingFailedItem(operation: Operation, store: Store, checked: Input): Promise<Answer> {
  let seen: Item | undefined;
  const watching: Store = {
    ...store,
    getItemDb(table) {
      const itemDb = store.getItemDb(table);
      return {
        ...itemDb,
        get: (key, done) =>
          itemDb.get(key, (error, item) => {
            seen = item;
            done(error, item);
          }),
      };
    },
  };
  try {
    return await perform(operation, watching, checked);
  } catch (error) {
    throw isFailedCondition(error) && seen ? new ApiError(error.type, error.message, { Item: seen }) : error;
  }
}

export function isFailedCondition(error: unknown): error is ApiError {
  return error instanceof ApiError && error.type === 'ConditionalCheckFailedException';
}
