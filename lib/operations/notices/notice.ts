import * as z from 'zod/mini';

/** An alarm has changed its state. */
export type Notice = {
  /** The alarm's name, with that of its stage. */
  alarm: string;
  state: 'alarm' | 'ok';
  /** Milliseconds since the epoch. */
  changedAt: number;
  /** What has happened when it rings, in one sentence. */
  means: string;
  /** The address of the page that says what to do. */
  runbook: string | undefined;
  /** CloudWatch's own words for why. */
  reason: string;
};

/** What stands between the sentence and the address in the description of an alarm. */
export const whatToDo = ' What to do: ';

/** An alarm's change as CloudWatch tells SNS of it, and SNS a function. */
const envelope = z.object({ Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })) });
const change = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.optional(z.nullable(z.string())),
  NewStateValue: z.enum(['ALARM', 'OK', 'INSUFFICIENT_DATA']),
  NewStateReason: z._default(z.string(), ''),
  StateChangeTime: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)))),
});

/**
 * The changes in a message of SNS. An alarm without data is neither well nor ringing, and makes none.
 * @throws ZodError for anything else than messages of alarms
 */
export const readNotices = (payload: unknown): Notice[] =>
  z
    .parse(envelope, payload)
    .Records.map(({ Sns }) => z.parse(change, JSON.parse(Sns.Message)))
    .filter(({ NewStateValue }) => NewStateValue !== 'INSUFFICIENT_DATA')
    .map(({ AlarmName, AlarmDescription, NewStateValue, NewStateReason, StateChangeTime }) => {
      const [means = '', runbook] = (AlarmDescription ?? '').split(whatToDo);
      return {
        alarm: AlarmName,
        state: NewStateValue === 'ALARM' ? 'alarm' : 'ok',
        changedAt: Date.parse(StateChangeTime),
        means,
        runbook,
        reason: NewStateReason,
      };
    });
