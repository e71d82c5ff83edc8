import { reported } from '../back-office/forms.ts';
import { type Content, card, link, quiet, type View } from '../back-office/parts.ts';
import { ApiProblem } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import { exportHash } from './csv.ts';
import type { CsvRequest } from './reports.ts';

type Refusal = { title: string; means: Content[] };

/** What a refusal means for who reads reports, by its code. */
const refusals: Readonly<Record<string, (problem: ApiProblem, request?: CsvRequest) => Refusal>> = {
  forbidden: () => ({
    title: 'This key may not do that',
    means: ['Ask whoever manages the applications of the shop for a key with this scope, and sign in with it.'],
  }),
  'history-broken': () => ({
    title: 'The history is damaged',
    means: [
      'No figure is guessed, and none is taken from another source. Days after the history are shown as before: ',
      link('#/sales?range=today&zone=UTC', 'sales of today'),
      '. Give the sentence above to whoever runs the shop’s server.',
    ],
  }),
  'reader-behind': ({ retryAfterSeconds = 10 }) => ({
    title: 'The data are too old for this report',
    means: [
      `These figures go into the books, so old ones are not shown. Ask again in ${retryAfterSeconds} s, or see the `,
      link('#/sales', 'sales'),
      ', which are shown with their age.',
    ],
  }),
  'report-too-large': (_, request) => ({
    title: 'The report is too large for one answer',
    means: [
      'Choose larger groups, such as months, a shorter period, or one currency. ',
      ...(request === undefined ? [] : [link(exportHash(request), 'All rows as a file'), ' takes a minute or two.']),
    ],
  }),
  'rate-limited': ({ retryAfterSeconds = 60 }) => ({
    title: 'Too many questions at once',
    means: [`Others use this key too, or you were quick. Ask again in ${retryAfterSeconds} s.`],
  }),
  unavailable: () => ({
    title: 'Reports cannot be read at the moment',
    means: [
      'The copy that they are read from starts, or does not answer. Orders are not affected. Ask again in a moment.',
    ],
  }),
};

const other = (): Refusal => ({ title: 'There is no such report', means: ['Change what you ask for.'] });

type Again = () => Promise<void>;

/**
 * A report, or why it was refused. What stands before it stays either way, so that something else can be asked.
 * @param request what a file could be made of instead, when it is too large
 * @throws what is no refusal, and that the key is none
 */
export async function reportView(
  title: string,
  before: Content[],
  asking: Promise<Omit<View, 'title'>>,
  again: Again,
  request?: CsvRequest,
): Promise<View> {
  try {
    const { content, ...view } = await asking;
    return { title, ...view, content: [...before, ...content] };
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code === 'unauthenticated') throw error;
    return { title, content: [...before, refusalCard(error, again, request)] };
  }
}

function refusalCard(problem: ApiProblem, again: Again, request?: CsvRequest): HTMLElement {
  const { title, means } = (refusals[problem.code] ?? other)(problem, request);
  const button = element('button', { type: 'button' }, 'Ask again');
  button.addEventListener('click', () => reported(again()));
  const made = card(
    title,
    element('p', { className: 'refused' }, problem.message),
    element('p', {}, ...means),
    quiet(`Request ${problem.requestId ?? 'unknown'}`),
    button,
  );
  made.role = 'alert';
  return made;
}
