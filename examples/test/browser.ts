import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** The Chromium of this machine. @throws when there is none */
export async function launchBrowser(): Promise<Browser> {
  const places = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw new Error('There is no Chromium: apt-get install chromium, or say where by CHROMIUM.');
  return await chromium.launch({ executablePath: found, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
