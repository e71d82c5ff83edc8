/** Each rule by its id, with what it refuses. docs/releases.md shows them. */
export const rules = {
  'operation-removed': 'an operation is gone',
  'operation-renamed': 'an operation has another id, which names a method of generated clients',
  'status-removed': 'an operation no longer answers with a status',
  'media-type-removed': 'a media type of a request or an answer is gone',
  'header-removed': 'an answer no longer has a header',
  'problem-removed': 'a problem code is gone, or an operation no longer answers with it',
  'scope-needed': 'an operation needs another scope',
  'credential-removed': 'an operation no longer takes a kind of credentials',
  'request-required': 'a body, parameter or property is newly required',
  'request-removed': 'a parameter or property of a request is gone; unknown ones are refused',
  'request-narrowed': 'a value that was taken is refused',
  'default-changed': 'leaving out an input means something else',
  'answer-removed': 'a property of an answer is gone, or may be',
  'answer-value-removed': 'a value or variant of an answer is gone',
  'type-changed': 'a value has another type or form, or may be `null`',
  'event-removed': 'an event is gone, or a version that older consumers need',
  'event-changed': 'the schema of an event differs, and its version does not',
} as const;

export type Rule = keyof typeof rules;

/** What breaks somebody who relies on the last release. `where` and `rule` name it in an exception. */
export type Change = { rule: Rule; where: string; what: string };
