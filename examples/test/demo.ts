import { readStage } from '../stage.ts';

/** The file that describes the running stack. */
export const demoFile = process.env.COUNTERFOIL_DEMO ?? '';

/** The running stack, all of which a demo shop knows. */
export async function readDemo() {
  const { baseUrl, clientId, appKey, customer } = await readStage({ demo: demoFile });
  if (clientId === undefined || appKey === undefined || customer === undefined) {
    throw new Error(`${demoFile} is not of a demo shop.`);
  }
  return { baseUrl, clientId, appKey, customer };
}
