import { ApiError } from './api-error.ts';
import { type Answer, type Input, type Item, type Operation, perform, type Store } from './dynalite.ts';

/**
 * Runs a checked write and, when its condition fails, adds the item that failed it to the error, as
 * `ReturnValuesOnConditionCheckFailure: ALL_OLD` asks. The item is the one that the condition was tried on.
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
