/** Text for reasons and issues, cut so that no event can make them large. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit);
  // Reasons are hashed as RFC 8785 text, which has no place for half of a surrogate pair.
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}
