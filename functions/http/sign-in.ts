import { Problem } from '../../lib/contract/problems.ts';
import * as contract from '../../lib/contract/sessions.ts';
import { findCredentials } from '../../lib/customers/customers.sql.ts';
import { type PasswordCost, passwordCost } from '../../lib/customers/passwords.ts';
import { checkPassword } from '../../lib/customers/sign-in.ts';
import { httpDoor, type Request, type Result } from '../../lib/entry/http.ts';
import { toTimestamp } from '../../lib/kernel/clock.ts';
import { forgiveAttempts, type LockoutStore, noteAttempt } from '../../lib/limits/lockout.dynamo.ts';
import { lockoutStore, sessionStore } from '../../lib/platform/deps.ts';
import { type Sql, sqlAs } from '../../lib/platform/sql.ts';
import { openSession, type SessionStore } from '../../lib/sessions/sessions.dynamo.ts';
import { routes } from '../routes.ts';

type Deps = { sql: () => Sql; sessions: SessionStore; lockout: LockoutStore; cost: PasswordCost };
