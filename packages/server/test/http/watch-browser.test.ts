/** The live feed as a browser reads it: its own EventSource and WebSocket, through kills of the server. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServerProcess, start } from '../support/server-process.ts';
import { type Json, post } from './client.ts';
import { eventually, makeDataDir, removeDataDir, wholeFeed } from './server.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const missing = `no browser at ${CHROMIUM}: scripts/install-services.sh installs it`;
const there = existsSync(CHROMIUM);

/** In the page. It comes back by itself, with `Last-Event-ID`. */
const EVENT_SOURCE = `
  const source = new EventSource('/watch?since=earliest&type=received,certified');
  source.onopen = () => window.opened++;
  source.onmessage = ({ data, lastEventId }) => window.told.push({ ...JSON.parse(data), id: lastEventId });
`;
/** It has to be made anew, behind the last message. */
const WEB_SOCKET = `
  const connect = () => {
    const since = window.told.findLast(({ id }) => id)?.id ?? 'earliest';
    const socket = new WebSocket('ws://' + location.host + '/watch?type=received,certified&since=' + since);
    socket.onopen = () => window.opened++;
    socket.onmessage = ({ data }) => window.told.push(JSON.parse(data));
    socket.onclose = () => setTimeout(connect, 100);
  };
  connect();
`;
const BATCH = 20;
const LIVES = 3;

describe('a page that follows with', () => {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (there) browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
  });

  test.for([
    ['EventSource', EVENT_SOURCE],
    ['WebSocket', WEB_SOCKET],
  ])('%s loses and repeats nothing when the server is killed and started again', async ([, script], { skip }) => {
    if (process.env.REQUIRE_SERVICES === '1') expect(there, missing).toBe(true);
    skip(!there, missing);
    const dataDir = makeDataDir();
    let server = await start(dataDir);
    const { port } = new URL(server.url);
    const page = await browser!.newPage();
    try {
      // Any page of this server.
      await page.goto(`${server.url}/health/live`);
      await page.evaluate(`window.told = []; window.opened = 0; ${script}`);
      for (let life = 1; life <= LIVES; life++) {
        await eventually(async () => expect(await page.evaluate('window.opened')).toBeGreaterThanOrEqual(life), 50);
        for (let batch = 0; batch < 5; batch++) await send(server, `${life}/${batch}`);
        // In mid-stream.
        await eventually(async () => expect((await certified(page)).length).toBeGreaterThan((life - 1) * 100));
        await server.kill();
        server = await start(dataDir, {}, ['--port', port]);
      }
      const count = LIVES * 5 * BATCH;
      await eventually(async () => expect((await certified(page)).length).toBeGreaterThanOrEqual(count), 50);
      const feed = await wholeFeed(server.url);
      expect(feed).toHaveLength(count);
      expect((await certified(page)).map(({ eventId }) => eventId)).toEqual(feed.map(({ eventId }) => eventId));
      const told = await toldTo(page);
      expect(told.filter(({ type }) => type === 'received')).toHaveLength(LIVES * 5);
      expect(told.filter(({ type }) => type === 'hello').length).toBeGreaterThanOrEqual(LIVES);
      expect(told.filter(({ type }) => type === 'gap')).toEqual([]);
    } finally {
      await page.close();
      await server.stop();
      removeDataDir(dataDir);
    }
  });
});

async function send(server: ServerProcess, run: string): Promise<void> {
  const events = Array.from({ length: BATCH }, (_, n) => ({ id: `${run}/${n}`, n }));
  expect((await post(server.url, { events })).status).toBe(200);
}

function toldTo(page: Page): Promise<Json[]> {
  return page.evaluate('window.told');
}

async function certified(page: Page): Promise<Json[]> {
  return (await toldTo(page)).filter(({ type }) => type === 'certified');
}
