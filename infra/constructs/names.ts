/** `place-order` as a construct's id: `PlaceOrder`. */
export const pascal = (name: string): string =>
  name.replace(/(^|[-/])([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());

/**
 * The name of a handler's function: said here, and not by CloudFormation, so that whoever watches or runs one finds it
 * without asking the stack that has it.
 */
export const functionNameOf = (stage: string, handler: string): string =>
  `counterfoil-${stage}-${handler.replaceAll('/', '-')}`;
