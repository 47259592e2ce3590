/**
 * - `syntax`: the text is no template; Go's parser refuses it too
 * - `execution`: rendering it with this data fails, as it does in Go
 * - `unsupported`: Go may render it; here it is refused rather than rendered otherwise
 * - `limit`: templates, parentheses or data nested deeper than `MAX_DEPTH`
 */
export type GoTemplateErrorCode = 'syntax' | 'execution' | 'unsupported' | 'limit';

/** Of parentheses, blocks within blocks, templates that call templates, and data. Go's own limits are far higher. */
export const MAX_DEPTH = 300;

export interface GoTemplatePlace {
  /** Name of the template, as it was given. */
  template: string;
  /** From 1. */
  line: number;
  /** From 1, in characters. */
  column: number;
}

/** A template that cannot be read or rendered. The message begins with the place, as Go's do. */
export class GoTemplateError extends Error {
  readonly code: GoTemplateErrorCode;
  readonly template: string;
  readonly line: number;
  readonly column: number;

  constructor(code: GoTemplateErrorCode, place: GoTemplatePlace, what: string, options?: ErrorOptions) {
    super(`template: ${place.template}:${place.line}:${place.column}: ${what}`, options);
    this.name = 'GoTemplateError';
    this.code = code;
    this.template = place.template;
    this.line = place.line;
    this.column = place.column;
  }
}

/** What goes wrong where no place in the template is known. Whoever knows it makes a `GoTemplateError` of it. */
export class Refusal extends Error {
  readonly code: GoTemplateErrorCode;

  constructor(code: GoTemplateErrorCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}
