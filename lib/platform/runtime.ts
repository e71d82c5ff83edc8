import { type Clock, type Stopwatch, stopwatch } from '../kernel/clock.ts';
import { clock } from './clock.ts';
import { emfMeter, type Logger, logger, type Meter } from './telemetry.ts';

/** What every handler has around it. Apart from `deps.ts`, so that steps and jobs do not carry a client of DynamoDB. */
export const runtime = (): { meter: Meter; log: Logger; clock: Clock; stopwatch: Stopwatch } => ({
  meter: emfMeter(),
  log: logger(),
  clock,
  stopwatch,
});
