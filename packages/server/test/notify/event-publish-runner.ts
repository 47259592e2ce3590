/** Runs the table of requests against any place where the publish handler is. */
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { PublishRow } from '../../src/notify/event-publish-row.ts';
import { PROFILES, type Profile, type ProfileName, ROWS, type Row, TOKEN } from './event-publish-table.ts';

export interface Subject {
  /** Where requests go, as a base for their URL. */
  url: string;
  call(request: Request): Promise<Response>;
  /**
   * What has been kept and published since it was asked last; nothing is on its way any more. The time of receipt is
   * `RECEIVED_TS` in a row.
   */
  observed(): Promise<{ kept: PublishRow[]; published: [channel: string, message: string][] }>;
  close(): Promise<void>;
}

export interface TableOptions {
  /** Sets up a place as a profile says; called once for each. */
  open: (profile: Profile, name: ProfileName) => Promise<Subject>;
  /** Profiles that this place cannot be set up for. */
  without?: readonly ProfileName[];
  /** What this place needs and is not here: the tests are skipped, and where services are required they fail. */
  missing?: string | undefined;
}

/** One test a row. */
export function runTable({ open, without = [], missing }: TableOptions): void {
  const names = (Object.keys(PROFILES) as ProfileName[]).filter((name) => !without.includes(name));
  describe.each(names)('%s', (name) => {
    let subject: Subject;
    beforeAll(async () => {
      if (missing === undefined) subject = await open(PROFILES[name], name);
    });
    afterAll(async () => {
      if (missing === undefined) await subject.close();
    });

    it.for(ROWS.filter(({ profile }) => profile === name))('$name', async (row, context) => {
      needed(missing, context);
      const response = await subject.call(requestOf(row, subject.url));
      expect({ status: response.status, body: await response.json() }).toEqual({ status: row.status, body: row.body });
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await subject.observed()).toEqual({ kept: row.kept, published: row.published });
    });
  });
}

export function requestOf({ request = {} }: Row, url: string): Request {
  const { method = 'POST', authorization = `Bearer ${TOKEN}`, headers = {}, body } = request;
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const sent = isRaw ? body : JSON.stringify(body);
  return new Request(url, {
    method,
    headers: { ...(authorization === null ? {} : { authorization }), 'content-type': 'application/json', ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  });
}

/** Skips a test with a message where something is missing; where services are required it fails. */
export function needed(missing: string | undefined, { skip }: Pick<TestContext, 'skip'>): void {
  if (process.env.REQUIRE_SERVICES === '1') expect(missing).toBeUndefined();
  skip(missing !== undefined, missing);
}
