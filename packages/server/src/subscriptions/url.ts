/** What a receiver's URL may look like; where it leads is looked at apart. */

const MAX_URL_LENGTH = 2048;

/** The URL in its one spelling, or why it is none. */
export function parseReceiverUrl(text: string): { url: string } | { problem: string } {
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return { problem: `an http or https URL of at most ${MAX_URL_LENGTH} characters` };
  }
  if (url.username !== '' || url.password !== '') return { problem: 'a URL without a user name or password in it' };
  if (url.hash !== '') return { problem: 'a URL without a fragment: it would not be sent' };
  return { url: url.href };
}
