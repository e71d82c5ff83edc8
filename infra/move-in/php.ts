import { unserialize } from 'php-serialize';

/** A value that PHP has written with `serialize`; undefined where it cannot be read, as one with objects of classes. */
export function fromPhp(text: string): unknown {
  try {
    return unserialize(text);
  } catch {
    return undefined;
  }
}

/** Whether a list is empty, as text with commas or as PHP writes it. */
export const isEmptyPhp = (text: string): boolean => text === '' || text === 'a:0:{}' || text === 's:0:"";';
