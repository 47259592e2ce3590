/** Signatures of Standard Webhooks 1.0 (https://www.standardwebhooks.com): symmetric, HMAC-SHA-256. */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
/** The specification allows 24 to 64. */
export const SECRET_BYTES = 32;

/** A secret as it is shown. @param random `SECRET_BYTES` of them */
export function secretText(random: Uint8Array): string {
  return PREFIX + Buffer.from(random).toString('base64');
}

/** One value of `webhook-signature`. @param timestamp seconds since 1970 */
export function signature(secret: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** The three headers. @param secrets all that are valid now: whoever knows any of them can check */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  timestamp: number,
  body: string,
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': secrets.map((secret) => signature(secret, id, timestamp, body)).join(' '),
  };
}
