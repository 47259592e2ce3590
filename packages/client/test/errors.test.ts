import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CLIENT_ERROR_CODES, LOG_ERROR_CODES } from '../src/errors.ts';

const docs = readFileSync(new URL('../../../docs/client.md', import.meta.url), 'utf8');

it.each([...CLIENT_ERROR_CODES, ...LOG_ERROR_CODES])('%s is in the docs', (code) => {
  expect(docs).toContain(`\`${code}\``);
});
