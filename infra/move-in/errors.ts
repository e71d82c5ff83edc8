/** Why a shop was not assessed, loaded or verified. Each message is a sentence for the person at the terminal. */
export class MoveInRefused extends Error {
  override readonly name = 'MoveInRefused';
}

/** Why a row does not fit. Its message is the second half of a sentence about the row. */
export class RowRejected extends Error {
  override readonly name = 'RowRejected';
}
