/** The page in a real browser, against a real server: what a visitor sees of an event that has just come in. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerProcess, start } from '../../server/test/support/server-process.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const missing = `no browser at ${CHROMIUM}: scripts/install-services.sh installs it`;
const there = existsSync(CHROMIUM);

const dir = mkdtempSync(join(tmpdir(), 'tidemark-portal-'));
let server: ServerProcess | undefined;
let browser: Browser | undefined;
let page: Page;

beforeAll(async () => {
  if (!there) return;
  server = await start(dir);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage();
  page.setDefaultTimeout(10_000);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dir, { recursive: true });
});

test('an event appears, its proof verifies, and a changed value is refused', async ({ skip }) => {
  if (process.env.REQUIRE_SERVICES === '1') expect(there, missing).toBe(true);
  skip(!there, missing);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(server?.url ?? '');
  await page.locator('#connection[data-state="open"]').waitFor();

  await fetch(`${server?.url}/ingest/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events: [{ id: 'kettle-1', temp: 98.5, note: '<b>hot</b>' }] }),
  });
  const row = page.locator('#events tbody tr', { hasText: '<b>hot</b>' });
  await row.getByRole('button').or(row.getByRole('link')).first().click();
  const verdict = page.locator('#verdict');
  await verdict.getByText('Valid: anchored on the development chain').waitFor();
  await verdict.getByText('proves nothing about time').waitFor();

  await page.getByRole('button', { name: 'Change one value for me' }).click();
  await page.getByRole('button', { name: 'Verify this text' }).click();
  await verdict.getByText('Refused: ').waitFor();
  expect(problems).toEqual([]);
});
