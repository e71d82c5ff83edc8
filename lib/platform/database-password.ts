import { createHmac } from 'node:crypto';

/** The password of a role, where the database has no IAM. It follows from the stage's secret, and that of another role does not follow from it. */
export const passwordOf = (secret: string, role: string): string =>
  createHmac('sha256', secret).update(`database role ${role}`).digest('hex');
