#!/usr/bin/env node
// In a checkout the sources run as they are; a published package brings them compiled.
import { existsSync } from 'node:fs';
// By its default: what an old Node does not have would fail the import before it is told that it is too old.
import nodeModule from 'node:module';

const OLDEST_NODE = 24;
if (Number(process.versions.node.split('.', 1)[0]) < OLDEST_NODE) {
  process.stderr.write(`tidemark needs Node ${OLDEST_NODE} or later; this is ${process.versions.node}\n`);
  process.exit(2);
}
// `notify` is started for every step of a batch, and does without the other commands, which take ten times as long to load.
const lone = process.argv[2] === 'notify';
if (lone) nodeModule.enableCompileCache?.();
const name = lone ? 'notify' : 'main';
const source = new URL(`../src/cli/${name}.ts`, import.meta.url);
const entry = await import(existsSync(source) ? source.href : new URL(`../dist/cli/${name}.js`, import.meta.url).href);
process.exitCode = await (lone ? entry.notify(process.argv.slice(3)) : entry.main(process.argv));
