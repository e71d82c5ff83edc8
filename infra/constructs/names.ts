/** `place-order` as a construct's id: `PlaceOrder`. */
export const pascal = (name: string): string =>
  name.replace(/(^|[-/])([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
