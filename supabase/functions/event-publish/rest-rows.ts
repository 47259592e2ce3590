/** Rows of `ingest_events`, inserted through the project's own PostgREST. */
import type { PublishRow } from '../../../packages/server/src/notify/event-publish-row.ts';

export class RestError extends Error {
  readonly code = 'not-stored';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RestError';
  }
}

const TIMEOUT_MS = 4000;

/** @returns what inserts a row; rejects with a `RestError` */
export function restRows({ url, key }: { url: string; key: string }): (row: PublishRow) => Promise<void> {
  const table = `${url.replace(/\/+$/, '')}/rest/v1/ingest_events`;
  return async (row) => {
    let answer: Response;
    try {
      answer = await fetch(table, {
        method: 'POST',
        headers: {
          apikey: key,
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          prefer: 'return=minimal',
        },
        body: JSON.stringify({ ...row, ts: new Date(row.ts * 1000).toISOString() }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new RestError('PostgREST did not answer', { cause });
    }
    await answer.body?.cancel();
    if (!answer.ok) throw new RestError(`PostgREST answered ${answer.status}`);
  };
}
