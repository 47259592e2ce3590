#!/usr/bin/env node
// In a checkout the sources run as they are; a published package brings them compiled.
import { existsSync } from 'node:fs';

const OLDEST_NODE = 24;
if (Number(process.versions.node.split('.', 1)[0]) < OLDEST_NODE) {
  process.stderr.write(`tidemark needs Node ${OLDEST_NODE} or later; this is ${process.versions.node}\n`);
  process.exit(2);
}
const source = new URL('../src/cli/main.ts', import.meta.url);
const { main } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
process.exitCode = await main(process.argv);
