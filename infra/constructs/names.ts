/** `place-order` as a construct's id: `PlaceOrder`. */
export const pascal = (name: string): string =>
  name.replace(/(^|[-/])([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());

/**
 * The name of a door's function: said here, and not by CloudFormation, so that whoever watches or runs one finds it
 * without asking the stack that has it.
 */
export const functionNameOf = (stage: string, door: string): string =>
  `counterfoil-${stage}-${door.replaceAll('/', '-')}`;
