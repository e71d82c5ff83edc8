import { element } from '../web-shop/dom.ts';
import type { Content } from './parts.ts';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** A control of a form. `name` is what the values of the form have it as. */
export type Field = {
  name: string;
  label: string;
  value?: string;
  /** Of an `input`; a list of `options` makes a `select`, `rows` a `textarea`. */
  type?: 'text' | 'search' | 'number' | 'date' | 'url' | 'checkbox';
  options?: readonly (readonly [value: string, text: string])[];
  rows?: number;
  required?: boolean;
  min?: number;
  max?: number;
};

export type Values = Record<string, string>;

let made = 0;

/** Labelled controls, each with an id of its own. */
export const fields = (all: readonly Field[]): HTMLElement[] =>
  all.map((field) => {
    const id = `field-${++made}`;
    const narrow = field.type === 'number' ? ' narrow' : '';
    return element(
      'div',
      { className: `field${narrow}` },
      element('label', { htmlFor: id }, field.label),
      control(field, id),
    );
  });

function control(field: Field, id: string): Control {
  const { name, value = '', type = 'text', options, rows, required = false, min, max } = field;
  if (options !== undefined) {
    const select = element('select', { id, name }, ...options.map(([each, text]) => new Option(text, each)));
    select.value = value;
    return select;
  }
  if (rows !== undefined) return element('textarea', { id, name, rows, required, value });
  return element('input', {
    id,
    name,
    type,
    required,
    autocomplete: 'off',
    ...(type === 'checkbox' ? { value: 'yes', checked: value === 'yes' } : { value }),
    ...(min === undefined ? {} : { min: String(min) }),
    ...(max === undefined ? {} : { max: String(max) }),
  });
}

/** Shows a rejected promise to the user. */
type Report = (work: Promise<unknown>) => void;
let report: Report = () => {};
/** Says who shows what goes wrong in a form. */
export const reportTo = (to: Report): void => {
  report = to;
};
/** Shows what goes wrong in this work. */
export const reported = (work: Promise<unknown>): void => report(work);

/**
 * A form that does its work once at a time. The work gets the values by their names, and a key that stays the same until
 * it has succeeded: what is sent again after a lost answer is done once.
 */
export function form(
  content: readonly Content[],
  submit: string,
  work: (values: Values, key: string) => Promise<void>,
  className = '',
): HTMLFormElement {
  const button = element('button', { type: 'submit', className: 'main' }, submit);
  const made = element('form', { className }, ...content, button);
  let key = crypto.randomUUID();
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(made)) as Values;
    button.disabled = true;
    const doing = work(values, key)
      .then(() => {
        key = crypto.randomUUID();
      })
      .finally(() => {
        button.disabled = false;
      });
    report(doing);
  });
  // Other values are another request.
  made.addEventListener('input', () => {
    key = crypto.randomUUID();
  });
  return made;
}

/** What is rarely done stands behind its name. */
export const folded = (summary: string, ...content: Content[]): HTMLElement =>
  element('details', {}, element('summary', {}, summary), ...content);

/** What takes a request to show stands behind its name, and is asked for once it is opened. */
export function unfolding(summary: string, load: () => Promise<Content[]>): HTMLElement {
  const made = folded(summary);
  let asked = false;
  made.addEventListener('toggle', () => {
    if (asked) return;
    asked = true;
    const loading = load().then(
      (content) => made.append(...content),
      (error: unknown) => {
        asked = false;
        throw error;
      },
    );
    report(loading);
  });
  return made;
}
