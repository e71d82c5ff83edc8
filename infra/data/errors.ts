/** Why data was not exported or imported. Each message is a sentence for the person at the terminal; nothing was changed. */
export class TransferRefused extends Error {
  override readonly name = 'TransferRefused';
}
