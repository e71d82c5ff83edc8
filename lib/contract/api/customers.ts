import * as z from 'zod/mini';
import { id, text, timestamp, version } from './common.ts';
import type { OperationContract } from './operation.ts';

/** An address within the lengths of RFC 5321 §4.5.3.1, whose domain has labels as in RFC 1035 §2.3.1. */
const isDeliverable = (address: string): boolean => {
  const [local = '', domain = ''] = address.split('@');
  return local.length <= 64 && domain.split('.').every((label) => /^(?!-)[^.]{1,63}(?<!-)$/.test(label));
};

export const email = z.string().check(
  z.trim(),
  z.toLowerCase(),
  z.maxLength(254),
  z.email(),
  z.refine((address) => !address.includes('@') || isDeliverable(address), 'is not a valid email'),
);

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

/** With the country in front: ATU12345678. */
export const vatNumber = z
  .string()
  .check(z.trim(), z.toUpperCase(), z.regex(/^[A-Z]{2}[0-9A-Z+*]{2,13}$/, 'is not a VAT number'));

/** Fields that applications without `customers:read` do not see. */
export const personal = ['email', 'name', 'address', 'verifiedVatNumber'] as const;

export const customer = z.object({
  id: id('customer'),
  email: z.optional(z.string()),
  name: z.optional(z.string()),
  address: z.optional(z.nullable(address)),
  premium: z.boolean(),
  verifiedVatNumber: z.optional(z.nullable(z.string())),
  suspended: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  version,
});
export type Customer = z.output<typeof customer>;

/** The same answer whether the e-mail has an account or not: only its owner learns that, by mail. */
const mailed = z.object({ email: z.string() });
const token = z.string().check(z.minLength(1), z.maxLength(200));
/** An existing password, which may be shorter than new ones must be. */
const ownPassword = z.string().check(z.minLength(1), z.maxLength(128));

export const signUp = {
  summary: 'Sign up',
  description:
    'The answer is the same whether the e-mail already has an account or not; a mail tells its owner. Where the shop requires confirmed e-mails, whoever holds the mailbox chooses the password when confirming: the password sent here is not used and may be left out.',
  body: z.strictObject({ email, password: z.optional(password), name: text(200) }),
  responses: { 202: mailed },
  statuses: { 202: 'The owner of the e-mail gets a mail.' },
  idempotency: 'accepted',
} as const satisfies OperationContract;

export const confirmEmail = {
  summary: 'Confirm an e-mail with the e-mailed token, and choose the password',
  description:
    'Opens the account for whoever holds the mailbox: `password` replaces any password of an earlier sign-up, and `name` its name. Ends every session of the account.',
  body: z.strictObject({ token, password, name: z.optional(text(200)) }),
  responses: { 204: null },
  problems: ['token-invalid'],
} as const satisfies OperationContract;

export const requestPasswordReset = {
  summary: 'Request a password-reset e-mail',
  description:
    'The answer is the same whether the e-mail has an account or not. One address receives at most five such mails an hour; beyond that the answer stays the same and no mail is sent.',
  body: z.strictObject({ email }),
  responses: { 202: mailed },
  statuses: { 202: 'If the e-mail has an account, its owner gets a mail.' },
} as const satisfies OperationContract;

export const resetPassword = {
  summary: 'Reset the password with the e-mailed token',
  description: 'Also confirms the e-mail, ends every session of the customer and voids their other tokens.',
  body: z.strictObject({ token, password }),
  responses: { 204: null },
  problems: ['token-invalid'],
} as const satisfies OperationContract;

export const changePassword = {
  summary: 'Change the password of the signed-in customer',
  description: 'Needs the current password. Ends every other session and voids e-mailed tokens.',
  body: z.strictObject({ password: ownPassword, newPassword: password }),
  responses: { 204: null },
  problems: ['invalid-credentials', 'sign-in-locked'],
} as const satisfies OperationContract;

export const requestEmailChange = {
  summary: 'Request a change of the signed-in customer’s e-mail',
  description:
    'Sends a token to the new e-mail and a notice to the current one. The current e-mail stays until the token is used. The answer does not reveal whether the new e-mail has an account.',
  body: z.strictObject({ email, password: ownPassword }),
  responses: { 202: mailed },
  statuses: { 202: 'The owner of the new e-mail gets a mail.' },
  problems: ['invalid-credentials', 'sign-in-locked'],
} as const satisfies OperationContract;

export const changeEmail = {
  summary: 'Change the e-mail with the token sent to the new one',
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
  summary: 'Change the signed-in customer’s name or address',
  body: z
    .strictObject({ name: z.optional(text(200)), address: z.optional(z.nullable(address)) })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: customer },
  personal,
  problems: ['version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const customerPath = z.strictObject({ customerId: id('customer') });

export const updateCustomer = {
  summary: 'Change whether a customer is premium or suspended, or their VAT number',
  description:
    'For the back office. `premium` gives the customer’s next quotes and orders the premium discount, or no longer does. `suspended` ends every session of the customer, refuses the tokens of their identity provider, and lets nobody sign in to the account until it is `false` again. Orders that were placed go on. The customer gets a mail when they are suspended and when they are not any more. `verifiedVatNumber` is the VAT number of a business that the shop has verified, for instance with VIES: orders with it in their billing address are taxed by reverse charge where the tax rate says so.',
  path: customerPath,
  body: z
    .strictObject({
      premium: z.optional(z.boolean()),
      suspended: z.optional(z.boolean()),
      verifiedVatNumber: z.optional(z.nullable(vatNumber)),
    })
    .check(z.refine((body) => Object.keys(body).length > 0, 'has nothing to change')),
  responses: { 200: customer },
  personal,
  problems: ['not-found', 'version-stale'],
  ifMatch: true,
} as const satisfies OperationContract;

export const endCustomerSessions = {
  summary: 'End every session of a customer',
  description:
    'For the back office, when a customer reports that somebody else is signed in. Also refuses the tokens that their identity provider issued so far. The customer signs in again.',
  path: customerPath,
  responses: { 204: null },
  problems: ['not-found'],
} as const satisfies OperationContract;
