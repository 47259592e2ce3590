/** `npm run test:fault [-- --kills N] [--seed S]`: kills a server under load, and looks for what got lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { survive } from './survive.ts';

const MAX_SHOWN = 20;
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() % 1e6) } },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-fault-'));
const say = (line: string) => void process.stdout.write(`${line}\n`);

say(`${kills} kills, seed ${seed}`);
const started = performance.now();
const result = await survive({ dataDir, kills, seed, maxLoadMs: 1500, say });
const { failures, restartsMs } = result;
const sorted = restartsMs.toSorted((a, b) => a - b).map(Math.round);
say(
  `${result.kills} kills, ${result.killsOnTheWayUp} of them on the way up; ${Math.round((performance.now() - started) / 1000)} s in all`,
);
say(`restarts: ${sorted[0]} ms at best, ${sorted[sorted.length >> 1]} ms in the middle, ${sorted.at(-1)} ms at worst`);
say(`${result.acknowledged} events acknowledged, ${result.certified} certified`);
for (const failure of failures.slice(0, MAX_SHOWN)) say(`FAILED  ${failure}`);
say(
  failures.length === 0
    ? 'nothing lost, nothing twice, nothing made up'
    : `${failures.length} failures; data kept in ${dataDir}`,
);
if (failures.length === 0) rmSync(dataDir, { recursive: true });
process.exitCode = failures.length === 0 ? 0 : 1;
