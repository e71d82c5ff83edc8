import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The pages that lead a person through an account. */
export const pages = ['docs/deploy.md', 'docs/releases.md'] as const;
export type Page = (typeof pages)[number];

/** Programs that a shell starts. What else stands in backticks is a name. */
const program = /^((npm|npx|node|aws|git|gh|curl|python3|pip) |\.ci\/\w+\b)/;

/**
 * The commands of a page, by name. A part between two marks is one, by its mark; a shell block outside of them is one, by its first
 * line; a command within a sentence is its own name.
 */
export function commandsIn(markdown: string): Map<string, string> {
  const found = new Map<string, string>();
  const parts = /^ *<!-- (?!generated|end)(.+?) -->$([\s\S]*?)^ *<!-- end of \1 -->$/gm;
  const rest = markdown.replaceAll(parts, (whole, name: string, part: string) => {
    const blocks = blocksIn(part).join('\n');
    if (blocks === '') return whole;
    found.set(name, blocks);
    return part.replaceAll(fence, '');
  });
  for (const block of blocksIn(rest)) found.set(block.split('\n')[0]!, block);
  for (const [, code] of rest.replaceAll(anyFence, '').matchAll(/`([^`]+)`/g)) {
    const command = code!.replaceAll(/\s+/g, ' ');
    if (program.test(command)) found.set(command, command);
  }
  return found;
}

/** The commands of a page of this checkout. */
export const commandsOf = (page: Page): Map<string, string> => commandsIn(readFileSync(resolve(root, page), 'utf8'));

const fence = /^( *)```(?:sh|console)\n([\s\S]*?)^\1```$/gm;
const anyFence = /^( *)```[\s\S]*?^\1```$/gm;

/** Shell blocks, without the indentation of the list that they are in. What a console answered is left out. */
const blocksIn = (text: string): string[] =>
  [...text.matchAll(fence)].map(([whole, indent, block]) => {
    const lines = block!.split('\n').map((line) => (line.startsWith(indent!) ? line.slice(indent!.length) : line));
    const typed = whole.trimStart().startsWith('```console')
      ? lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
      : lines;
    return typed.join('\n').trim();
  });
