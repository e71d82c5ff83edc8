import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../../lib/contract/api/system.ts';

const well: Health['status'] = 'up';

/**
 * Looks at a stage that sells without buying anything: it must be healthy, be the release that was deployed, serve its document,
 * and refuse who has no credentials. Functions change one after the other, so the release is waited for.
 * @param patience how long to wait for it, in milliseconds
 * @returns what is wrong, or nothing
 */
export async function smoke(baseUrl: string, release: string, patience = 120_000): Promise<string[]> {
  const until = performance.now() + patience;
  for (;;) {
    const wrong = await lookAt(baseUrl, release);
    if (wrong.length === 0 || performance.now() >= until) return wrong;
    await sleep(Math.min(2_000, patience / 10));
  }
}

async function lookAt(baseUrl: string, release: string): Promise<string[]> {
  const ask = async (path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    try {
      const response = await fetch(`${baseUrl}${path}`, { signal: AbortSignal.timeout(15_000) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    } catch (error) {
      return { status: 0, body: { reason: (error as Error).message } };
    }
  };
  const [health, document, orders] = await Promise.all(['/health', '/openapi.json', '/orders'].map(ask));
  const { status, version } = health!.body;
  return [
    ...(health!.status === 200 && status === well
      ? []
      : [`/health answers ${health!.status}: ${JSON.stringify(health!.body)}`]),
    ...(version === undefined || version === release ? [] : [`/health is of release ${version}, not ${release}`]),
    ...(document!.status === 200 ? [] : [`/openapi.json answers ${document!.status}`]),
    ...(orders!.status === 401 ? [] : [`/orders without credentials answers ${orders!.status}, not 401`]),
  ];
}
