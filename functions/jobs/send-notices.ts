import { httpSender } from '../../lib/events/webhooks/send.gateway.ts';
import { describeError } from '../../lib/kernel/log.ts';
import { readNotices } from '../../lib/operations/notices/notice.ts';
import { noticeTargets } from '../../lib/operations/notices/targets.ts';
import { type NoticeTarget, type TellDeps, tellAll } from '../../lib/operations/notices/tell.ts';
import { config, tableName } from '../../lib/platform/config.ts';
import { dynamo } from '../../lib/platform/dynamo.ts';
import { jobHandler } from '../../lib/platform/handlers/job.ts';
import { mailer } from '../../lib/platform/mailer.ts';
import { noticeAddresses } from '../../lib/platform/secrets.ts';
import { jobs } from '../jobs.ts';

type Deps = Omit<TellDeps, 'targets'> & { targets: () => Promise<readonly NoticeTarget[]> };

/** Tells people that alarms have changed: each target once of each change. */
export async function run({ targets, ...deps }: Deps, payload: unknown) {
  const notices = readNotices(payload);
  const told = await tellAll({ ...deps, targets: await targets() }, notices);
  return { alarms: notices.map(({ alarm, state }) => `${alarm} ${state}`).slice(0, 20), told };
}

export const handler = jobHandler(jobs['send-notices'], run, ({ clock, stopwatch, log }) => ({
  store: { client: dynamo(), table: tableName('notices'), clock },
  async targets() {
    const { WEBHOOK_TARGETS: allowed, NOTICE_MAIL: to } = config();
    const sender = mailer();
    return noticeTargets({
      addresses: await noticeAddresses(),
      send: httpSender({ allowed, elapsed: stopwatch.elapsed }),
      clock,
      mail: to === undefined || sender === undefined ? undefined : { to, send: sender.send },
    });
  },
  onError: (target, { alarm }, error) => log.warn('notice not taken', { target, alarm, error: describeError(error) }),
}));
