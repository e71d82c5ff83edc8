import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

/** The Chromium of this machine. @throws when there is none */
export async function launchBrowser(): Promise<Browser> {
  const places = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error('There is no Chromium: apt-get install chromium, or say where by CHROMIUM.');
  return await chromium.launch({ executablePath: found, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

type Axe = { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

/**
 * What keeps somebody out of a page by axe-core's rules, with where it is first. The test brings axe-core in, so the page's
 * context needs `bypassCSP`.
 */
export async function barriersOf(page: Page): Promise<string[]> {
  await page.addScriptTag({ content: await readFile(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8') });
  // Of what passes, axe describes each element too, unless it is asked for less.
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: Axe }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 150)} and ${nodes.length - 1} more`);
}
