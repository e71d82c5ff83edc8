import * as z from 'zod/mini';
import { id, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

export const email = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email());

/** 8 to 128 characters, as NIST SP 800-63B allows: length counts, composition does not. */
export const password = z.string().check(z.minLength(8), z.maxLength(128));

export const address = z.strictObject({
  line1: text(200),
  line2: z.optional(text(200)),
  city: text(100),
  region: z.optional(text(100)),
  postalCode: text(20),
  country: z.string().check(z.regex(/^[A-Z]{2}$/, 'is not an ISO 3166-1 alpha-2 code')),
});

/** Withheld from applications without `customers:read`. */
const personal = ['email', 'name', 'address'] as const;

export const customer = z.object({
  id: id('customer'),
  email: z.optional(z.string()),
  name: z.optional(z.string()),
  address: z.optional(z.nullable(address)),
  premium: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Customer = z.output<typeof customer>;

/** What tells nobody whether the e-mail has an account: the mail does. */
const mailed = z.object({ email: z.string() });
const token = z.string().check(z.minLength(1), z.maxLength(200));
/** A password that is there already, however long they had to be then. */
const ownPassword = z.string().check(z.minLength(1), z.maxLength(128));

export const signUp = {
  summary: 'Sign up',
  description:
    'The answer is the same whether the e-mail has an account already or not: its owner gets a mail that tells. Where e-mails must be confirmed, the account is of use only after that.',
  body: z.strictObject({ email, password, name: text(200) }),
  responses: { 202: mailed },
  statuses: { 202: 'The owner of the e-mail gets a mail.' },
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const confirmEmail = {
  summary: 'Confirm an e-mail by the token that was mailed to it',
  body: z.strictObject({ token }),
  responses: { 204: null },
  problems: ['token-invalid'],
} as const satisfies OperationContract;

export const requestPasswordReset = {
  summary: 'Ask for a mail to reset a password by',
  description:
    'The answer is the same whether the e-mail has an account or not. One address gets at most five mails an hour, and this does not tell when it has had them.',
  body: z.strictObject({ email }),
  responses: { 202: mailed },
  statuses: { 202: 'If the e-mail has an account, its owner gets a mail.' },
} as const satisfies OperationContract;

export const resetPassword = {
  summary: 'Choose a new password by the token that was mailed',
  description: 'Confirms the e-mail too, ends every session of the customer and voids their other tokens.',
  body: z.strictObject({ token, password }),
  responses: { 204: null },
  problems: ['token-invalid'],
} as const satisfies OperationContract;

export const changePassword = {
  summary: 'Change the password of the signed-in customer',
  description: 'Takes the present password, too; ends every other session and voids mailed tokens.',
  body: z.strictObject({ password: ownPassword, newPassword: password }),
  responses: { 204: null },
  problems: ['invalid-credentials', 'sign-in-locked'],
} as const satisfies OperationContract;

export const requestEmailChange = {
  summary: 'Ask for another e-mail for the signed-in customer',
  description:
    'A token goes to the new e-mail and a notice to the present one, which stays until the token comes back. The answer does not tell whether the new e-mail has an account.',
  body: z.strictObject({ email, password: ownPassword }),
  responses: { 202: mailed },
  statuses: { 202: 'The owner of the new e-mail gets a mail.' },
  problems: ['invalid-credentials', 'sign-in-locked'],
} as const satisfies OperationContract;

export const changeEmail = {
  summary: 'Change an e-mail by the token that was mailed to the new one',
  description: 'Ends every session of the customer and voids their other tokens.',
  body: z.strictObject({ token }),
  responses: { 204: null },
  problems: ['token-invalid'],
} as const satisfies OperationContract;

export const getMe = {
  summary: 'Read the signed-in customer',
  responses: { 200: customer },
  personal,
  etag: true,
} as const satisfies OperationContract;

export const updateMe = {
  summary: 'Change name or address of the signed-in customer',
  body: z
    .strictObject({ name: z.optional(text(200)), address: z.optional(z.nullable(address)) })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: customer },
  personal,
  problems: ['version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const updateCustomer = {
  summary: 'Make a customer premium, or not',
  path: z.strictObject({ customerId: id('customer') }),
  body: z.strictObject({ premium: z.boolean() }),
  responses: { 200: customer },
  personal,
  problems: ['not-found', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;
