import { useEffect, useState } from 'preact/hooks';
import { html } from './lib.ts';

type Props = { text: string; label: string; placeholder: string; onSearch: (text: string) => void };

/** A field that searches a moment after the last key. */
export function Search({ text, label, placeholder, onSearch }: Props) {
  const [value, setValue] = useState(text);
  useEffect(() => {
    if (value === text) return;
    const timer = setTimeout(() => onSearch(value), 250);
    return () => clearTimeout(timer);
  }, [value]);
  return html`
    <input type="search" aria-label=${label} placeholder=${placeholder} value=${value}
      onInput=${(event: InputEvent) => setValue((event.target as HTMLInputElement).value)} />`;
}
