import type { DatabaseRole } from '../contract/deploy/roles.ts';
import { createCircuitBreaker } from '../kernel/circuit-breaker.ts';
import type { Clock } from '../kernel/clock.ts';
import { DependencyUnavailable } from '../kernel/errors.ts';
import { untilDeadline } from './handlers/lambda.ts';
import { type Sql, sqlAs } from './sql.ts';

/**
 * Reads from another room, by a login role of that room.
 * @throws DeadlineExceeded after so many milliseconds, DependencyUnavailable, or what the reading throws
 */
export type ReadRoom = <T>(read: (sql: Sql) => Promise<T>, milliseconds: number) => Promise<T>;

/**
 * The way to another room, with a pool of connections of its own. A room that has just failed is not asked for two seconds,
 * so that answers do not wait for it one after the other.
 */
export function openRoom(role: DatabaseRole, clock: Clock): ReadRoom {
  const breaker = createCircuitBreaker(clock);
  return async (read, milliseconds) => {
    if (!breaker.allowRequest()) throw new DependencyUnavailable('database');
    try {
      const answer = await untilDeadline(read(sqlAs(role)), milliseconds, role);
      breaker.recordSuccess();
      return answer;
    } catch (error) {
      breaker.recordFailure();
      throw error;
    }
  };
}
