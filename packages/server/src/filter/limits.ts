/** In UTF-16 code units. */
export const MAX_FILTER_LENGTH = 2048;
/** Comparisons in a filter. */
export const MAX_TERMS = 64;
/** Of parentheses and `not`; the parser recurses no deeper. */
export const MAX_NESTING = 16;
/** Items of the list after `in`. */
export const MAX_LIST = 256;
/** Paths in `fields`. */
export const MAX_FIELDS = 64;
/** Paths that make up the key of a split. */
export const MAX_KEY_PATHS = 8;
/** Members of a consumer group. */
export const MAX_SPLIT = 1024;
