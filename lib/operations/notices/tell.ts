import type { Notice } from './notice.ts';
import { claim, settle, type ToldStore } from './told.dynamo.ts';

/** Somebody who hears of changes. `send` rejects when they were not; its error has no address in it, which is a secret. */
export type NoticeTarget = { name: 'slack' | 'teams' | 'webhook' | 'mail'; send(notice: Notice): Promise<void> };

export type TellDeps = {
  store: ToldStore;
  targets: readonly NoticeTarget[];
  onError: (target: string, notice: Notice, error: unknown) => void;
};

/** Some target was not told. Whoever calls the function tries again, and those that know already are not told twice. */
export class NotTold extends Error {
  override readonly name = 'NotTold';
  constructor(targets: readonly string[]) {
    super(`not told: ${targets.join(', ')}`);
  }
}

/**
 * Tells each target of each change once, also when the change comes twice or the first attempt failed. A target that is not told
 * holds back no other.
 * @returns how many messages were sent
 * @throws NotTold
 */
export async function tellAll({ store, targets, onError }: TellDeps, notices: readonly Notice[]): Promise<number> {
  let sent = 0;
  const missed: string[] = [];
  const inOrder = notices.toSorted((one, other) => one.changedAt - other.changedAt);
  const tell = async (target: NoticeTarget, notice: Notice) => {
    const claimed = await claim(store, notice, target.name);
    if (claimed === 'told') return;
    if (claimed === 'waits') return void missed.push(target.name);
    try {
      await target.send(notice);
    } catch (error) {
      onError(target.name, notice, error);
      missed.push(target.name);
      return settle(store, notice, target.name, false);
    }
    sent += 1;
    await settle(store, notice, target.name, true);
  };
  await Promise.all(
    targets.map(async (target) => {
      for (const notice of inOrder) await tell(target, notice);
    }),
  );
  if (missed.length > 0) throw new NotTold([...new Set(missed)]);
  return sent;
}
