/** Whether PostgreSQL refused a statement by this constraint. */
export const violates = (error: unknown, constraint: string): error is Error =>
  error instanceof Error && 'constraint_name' in error && error.constraint_name === constraint;
