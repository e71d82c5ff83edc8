import { Problem } from '../../contract/api/problems.ts';
import { commonPasswords } from './common-passwords.static.ts';
import { hashPassword, type PasswordCost, unmatchableHash } from './passwords.ts';

/** Words that stand for this product in passwords. The customer's own e-mail and name are added. */
const productWords = ['counterfoil'];
/** Shorter words occur in passwords by chance. */
const shortestWord = 4;
/** How many characters a password must have besides a word that everybody can guess. */
const charactersBesideWord = 6;

let common: Set<string> | undefined;

/**
 * Refuses passwords that are guessed first (NIST SP 800-63B §5.1.1.2): common ones, repeated characters, and words about
 * the customer or this product with little else.
 * @param about the customer's e-mail, and name if it is known
 * @param pointer where the password stands in the body
 * @throws Problem invalid-input
 */
export function checkNewPassword(password: string, about: { email: string; name?: string }, pointer: string): void {
  const reason = reasonAgainst(fold(password), wordsAbout(about));
  if (reason === undefined) return;
  throw new Problem('invalid-input', `${pointer} ${reason}.`, { errors: [{ pointer, detail: reason }] });
}

/**
 * The hash to store for a sign-up. Where e-mails must be confirmed it matches no password: whoever holds the mailbox chooses
 * one when confirming.
 * @throws Problem invalid-input
 */
export async function hashSignUpPassword(
  { password, ...about }: { password?: string | undefined; email: string; name: string },
  { mustConfirm }: { mustConfirm: boolean },
  cost: PasswordCost,
): Promise<string> {
  if (password !== undefined) checkNewPassword(password, about, '/password');
  if (mustConfirm) return unmatchableHash(cost);
  if (password !== undefined) return hashPassword(password, cost);
  throw new Problem('invalid-input', '/password is missing.', {
    errors: [{ pointer: '/password', detail: 'is missing' }],
  });
}

function reasonAgainst(password: string, words: string[]): string | undefined {
  common ??= new Set(commonPasswords.split('\n'));
  if (common.has(password) || common.has(password.replace(/[\d\s!?.*]+$/u, ''))) {
    return 'is one of the most common passwords; choose another one';
  }
  if (new Set(password).size < 4) return 'repeats too few characters; choose another one';
  const guessable = words.some(
    (word) => password.includes(word) && [...password.replaceAll(word, '')].length < charactersBesideWord,
  );
  return guessable
    ? 'is too close to your name, your e-mail or the name of this service; choose another one'
    : undefined;
}

function wordsAbout({ email, name = '' }: { email: string; name?: string }): string[] {
  const [local = '', domain = ''] = fold(email).split('@');
  const parts = [...local.split(/[^\p{L}\p{N}]+/u), ...fold(name).split(/\s+/), domain.split('.')[0]!];
  return [fold(email), local, ...parts, fold(name).replaceAll(/\s/g, ''), ...productWords].filter(
    (word) => word.length >= shortestWord,
  );
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase();
